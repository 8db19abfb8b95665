"""The judge endpoint of a run, until the job is stopped. `--help` lists every setting."""

from selfj.errors import told
from selfj.serve.launch import serve_run
from selfj.serve.settings import read_serve_settings

if __name__ == "__main__":
    with told():
        serve_run(read_serve_settings())
