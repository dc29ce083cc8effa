from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

import serve_tasks as tasks
from typecase.errors import InputError, ModelError, TypecaseError
from typecase.serve.pool import Pool, Urgency
from typecase.serve.problems import Problem
from typecase.serve.worker import Opening, Worker, WorkerDied, WorkerTooSlow


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker(Opening())
    worker.wait_until_ready(120)
    yield worker
    worker.end()


def test_a_worker_answers_refuses_and_tells_bugs(worker: Worker) -> None:
    assert worker.do(tasks.add, (1, 2), 60) == 3
    with pytest.raises(InputError, match=r"^This cannot be read; send another one\.$"):
        worker.do(tasks.refuse, (), 60)
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a bug"):
        worker.do(tasks.fail, (), 60)
    # It lives on after each.
    assert worker.do(tasks.add, (2, 3), 60) == 5


def test_a_worker_that_is_too_slow_is_ended() -> None:
    worker = Worker(Opening())
    worker.wait_until_ready(120)
    with pytest.raises(WorkerTooSlow):
        worker.do(tasks.sleep, (60.0,), 0.2)
    with pytest.raises(WorkerDied):
        worker.do(tasks.add, (1, 2), 60)


def test_a_worker_tells_why_its_models_cannot_be_opened(tmp_path: Path) -> None:
    missing = Worker(Opening(model=tmp_path / "none.onnx"))
    with pytest.raises(ModelError, match=r"none\.onnx"):
        missing.wait_until_ready(120)
    missing.end()


def with_pool(
    use: Callable[[Pool], Awaitable[None]], *, queue: int = 4, timeout: float = 30.0, workers: int = 1
) -> None:
    async def run() -> None:
        pool = Pool(Opening(), 1, queue, timeout)
        await pool.start()
        try:
            await use(pool)
        finally:
            await pool.close(20)

    asyncio.run(run())


def test_calls_are_answered_and_a_dead_worker_is_replaced() -> None:
    async def use(pool: Pool) -> None:
        assert await pool.call(tasks.add, 1, 2) == 3
        with pytest.raises(InputError):
            await pool.call(tasks.refuse)
        with pytest.raises(Problem) as bug:
            await pool.call(tasks.fail)
        assert (bug.value.status, bug.value.kind) == (500, "internal")
        assert "ZeroDivision" not in bug.value.detail
        with pytest.raises(Problem) as died:
            await pool.call(tasks.die)
        assert (died.value.status, died.value.kind) == (500, "worker-died")
        assert await pool.call(tasks.add, 3, 4) == 7
        assert pool.restarts == 1

    with_pool(use)


def test_a_call_that_takes_too_long_is_given_up_and_others_go_on() -> None:
    async def use(pool: Pool) -> None:
        assert await pool.call(tasks.add, 0, 0) == 0
        with pytest.raises(Problem) as slow:
            await pool.call(tasks.sleep, 60.0)
        assert (slow.value.status, slow.value.kind) == (504, "too-slow")
        assert await pool.call(tasks.add, 1, 1) == 2

    with_pool(use, timeout=1.0)


def test_the_queue_ends_somewhere_and_urgent_calls_go_first(tmp_path: Path) -> None:
    log = tmp_path / "log"

    async def use(pool: Pool) -> None:
        assert await pool.call(tasks.add, 0, 0) == 0
        busy = asyncio.create_task(pool.call(tasks.sleep, 1.0))
        await asyncio.sleep(0.2)
        order = [
            asyncio.create_task(pool.call(tasks.note, log, letter, urgency=urgency))
            for letter, urgency in (
                ("p", Urgency.PATIENT),
                ("n", Urgency.NORMAL),
                ("m", Urgency.NORMAL),
                ("q", Urgency.QUICK),
            )
        ]
        await asyncio.sleep(0.1)
        with pytest.raises(Problem) as full:
            await pool.call(tasks.add, 1, 1)
        assert full.value.status == 429
        assert 1 <= int(full.value.headers["Retry-After"]) <= 60
        # Pages of jobs wait on disk, so a few of them may always wait here too.
        patient = asyncio.create_task(pool.call(tasks.add, 1, 1, urgency=Urgency.PATIENT))
        await asyncio.gather(busy, *order)
        assert await patient == 2
        assert log.read_text() == "qnmp"

    with_pool(use, queue=3)


def test_a_caller_that_has_gone_is_not_read_for(tmp_path: Path) -> None:
    log = tmp_path / "log"

    async def use(pool: Pool) -> None:
        busy = asyncio.create_task(pool.call(tasks.sleep, 0.5))
        gone = asyncio.create_task(pool.call(tasks.note, log, "x"))
        await asyncio.sleep(0.05)
        gone.cancel()
        await busy
        assert await pool.call(tasks.add, 1, 1) == 2
        assert not log.exists()

    with_pool(use)


def test_closing_finishes_what_runs_and_refuses_what_waits() -> None:
    async def run() -> None:
        pool = Pool(Opening(), 1, 4, 30.0)
        await pool.start()
        assert await pool.call(tasks.add, 0, 0) == 0
        running = asyncio.create_task(pool.call(tasks.sleep, 0.5))
        await asyncio.sleep(0.1)
        waiting = asyncio.create_task(pool.call(tasks.add, 1, 1))
        await asyncio.sleep(0.1)
        await pool.close(20)
        assert await running > 0
        with pytest.raises(Problem) as refused:
            await waiting
        assert refused.value.status == 503
        with pytest.raises(Problem):
            await pool.call(tasks.add, 1, 1)

    asyncio.run(run())


def test_closing_does_not_wait_for_ever() -> None:
    async def run() -> None:
        pool = Pool(Opening(), 1, 4, 300.0)
        await pool.start()
        assert await pool.call(tasks.add, 0, 0) == 0
        running = asyncio.create_task(pool.call(tasks.sleep, 300.0))
        await asyncio.sleep(0.1)
        await pool.close(0.2)
        with pytest.raises(Problem):
            await running

    # If it did, this would not end within the time that a test may take.
    asyncio.run(run())


def test_models_that_never_open_are_told_once_and_for_all(tmp_path: Path) -> None:
    async def run() -> list[Exception]:
        pool = Pool(Opening(model=tmp_path / "none.onnx"), 1, 4, 30.0)
        told: list[Exception] = []
        heard = asyncio.Event()

        def hear(error: Exception) -> None:
            told.append(error)
            heard.set()

        pool.on_hopeless = hear
        await pool.start()
        await asyncio.wait_for(heard.wait(), 120)
        await pool.close(1)
        return told

    [error] = asyncio.run(run())
    assert isinstance(error, ModelError)
    assert isinstance(error, TypecaseError)


def test_each_worker_computes_with_one_thread(worker: Worker) -> None:
    assert worker.do(tasks.threads, (), 60) == (1, 1)
