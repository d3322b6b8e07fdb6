"""Scoring with Ray on a local cluster of two workers, one of which is killed in the middle."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from slow_scorer import FOLDER, SlowScorer

from skimrnn.scoring import BatchScorer, score_file

ray = pytest.importorskip("ray", reason="needs Ray (pip install 'skimrnn[ray]'); make test-ray")
pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("SKIMRNN_TEST_RAY"), reason="takes a minute; make test-ray runs it"
    ),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]

BLOCKS, ROWS, BATCH = 8, 500, 100


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """A local cluster, and the folder where its workers tell of themselves."""
    folder = tmp_path_factory.mktemp("workers")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(FOLDER, str(folder))
        patched.setenv("PYTHONPATH", str(Path(__file__).parent))  # of slow_scorer
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        ray.data.DataContext.get_current().execution_options.preserve_order = True
        yield folder
        ray.shutdown()


@pytest.fixture(scope="module")
def tables():
    """Rows in as many blocks, every seventh without a text."""
    import pyarrow as pa

    numbers = range(BLOCKS * ROWS)
    texts = [f"the film {number} is good" if number % 7 else None for number in numbers]
    whole = pa.table({"id": numbers, "text": texts})
    return [whole.slice(block * ROWS, ROWS) for block in range(BLOCKS)]


def kill_one(workers, killed):
    """Kill, once, a worker that is past its first block."""
    while not killed:
        for path in workers.iterdir():
            if path.stat().st_size > ROWS // BATCH:
                os.kill(int(path.name), signal.SIGKILL)
                killed.append(path.name)
                break
        time.sleep(0.01)


def test_a_killed_worker_loses_and_doubles_nothing(workers, tables, scorer, folder, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from skimrnn.scoring.ray import score_dataset

    killed = []
    killer = threading.Thread(target=kill_one, args=(workers, killed), daemon=True)
    killer.start()
    scored = score_dataset(
        ray.data.from_arrow(tables), SlowScorer(folder), workers=2, batch_rows=BATCH
    )
    written = pa.concat_tables(ray.get(scored.to_arrow_refs()))
    assert killed
    batches = {path.name: path.stat().st_size for path in workers.iterdir()}
    assert len(batches) == 3  # two, and the one that took the killed one's place
    assert sum(batches.values()) > BLOCKS * ROWS // BATCH  # some were scored again
    assert written["id"].to_pylist() == list(range(BLOCKS * ROWS))
    pq.write_table(pa.concat_tables(tables), tmp_path / "in.parquet")
    score_file(tmp_path / "in.parquet", tmp_path / "alone.parquet", scorer, workers=1)
    assert written.equals(pq.read_table(tmp_path / "alone.parquet"))


def test_columns_are_checked(workers, tables, folder):
    from skimrnn.scoring.ray import score_dataset

    data = ray.data.from_arrow(tables)
    with pytest.raises(ValueError, match="no column 'body'; its columns are 'id', 'text'"):
        score_dataset(data, BatchScorer(folder, column="body"))
    named = ray.data.from_arrow([tables[0].rename_columns(["label", "text"])])
    with pytest.raises(ValueError, match="the dataset has 'label' already"):
        score_dataset(named, BatchScorer(folder))
