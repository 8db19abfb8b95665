"""Near duplicates by datatrove's MinHash, as its example runs it: signatures, buckets, clusters, filter; run by collect.py.

    python benchmarks/peer_datatrove.py DATA FOLDER BUCKETS HASHES

Its word tokenizer for English is spaCy's; the records are plain words, and text.split() cuts them alike in less time.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.word_tokenizers import WordTokenizer
from made_records import ROWS_PER_FILE

WORKERS = 2


class Words(WordTokenizer):
    """What stands between spaces."""

    def word_tokenize(self, text: str) -> list[str]:
        """The words."""
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        """The text as it is."""
        return [text]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """The text as it is."""
        return [(0, len(text))]


def main(data: str, folder: str, buckets: int, hashes: int) -> None:
    """Write FOLDER/removed.npy: the numbers of the removed records, by file and row."""
    files = len(list(Path(data).glob("*.jsonl")))
    config = MinhashConfig(n_grams=3, num_buckets=buckets, hashes_per_bucket=hashes, hash_config=HashConfig(precision=64))
    reader = JsonlReader(data, text_key="instruction")
    signatures = MinhashDedupSignature(f"{folder}/signatures", config=config, language=Words())
    pairs = MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config, lines_to_buffer=1000)
    clusters = MinhashDedupCluster(f"{folder}/buckets", f"{folder}/remove", config=config, lines_to_buffer=1000)
    kept = [reader, MinhashDedupFilter(f"{folder}/remove"), JsonlWriter(f"{folder}/kept", compression=None)]
    for pipeline, tasks in (([reader, signatures], files), ([pairs], buckets), ([clusters], 1), (kept, files)):
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=min(WORKERS, tasks), logging_dir=None).run()
    numbers = [file * ROWS_PER_FILE + _removed(f"{folder}/remove/{file:06d}.remove") for file in range(files)]
    np.save(f"{folder}/removed.npy", np.concatenate(numbers))


def _removed(path: str) -> npt.NDArray[np.int64]:
    """Rows of one file that are removed."""
    return np.fromfile(path, "<u4").astype(np.int64) if Path(path).exists() else np.empty(0, np.int64)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
