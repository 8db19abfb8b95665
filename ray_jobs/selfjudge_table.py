"""SELF-JUDGE over several seeds, and its report: `--config configs/selfjudge_table.yaml`; `--help` lists every setting."""

from selfj.study.selfjudge.study import main

if __name__ == "__main__":
    raise SystemExit(main())
