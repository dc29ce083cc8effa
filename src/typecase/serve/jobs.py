"""Jobs on disk: a file each, and one SQLite database that says how far they are.

Everything is written down before it is told, so that a service that was stopped, or whose machine lost its power, goes
on where it was.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from typecase.errors import OutputError, UsageError
from typecase.serve.corrections import LineIndex
from typecase.serve.problems import Problem
from typecase.serve.query import ReadQuery

State = Literal["waiting", "reading", "done", "failed", "cancelled"]
PageState = Literal["waiting", "reading", "done", "failed"]

_MOST_TRIES = 2
"""A page whose reading ended the process that did it is tried once more, for it may have been another's fault."""

_SCHEMA_VERSION = 1
"""Part of the database's name: jobs of another version are left alone, until their files are swept away."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    state TEXT NOT NULL,
    pages INTEGER,
    provenance TEXT NOT NULL DEFAULT '{}',
    problem TEXT,
    created REAL NOT NULL,
    expires REAL NOT NULL,
    turn INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS pages (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    step INTEGER,
    content BLOB,
    corrected BLOB,
    lines TEXT NOT NULL DEFAULT '[]',
    problem TEXT,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pages_by_state ON pages (state, job);
"""


@dataclass(frozen=True)
class Job:
    """What is known of a job.

    Attributes:
        id: Its name, which nobody can guess.
        owner: Whose API key it came with; empty where none is needed.
        name: What the caller calls the file.
        query: How it is to be read.
        state: How far it is.
        pages: How many pages are to be read; None while that is not known.
        done: How many were read.
        failed: How many could not be read.
        provenance: What reads it.
        problem: Why it failed, as a problem's members.
        created: When it came, in seconds since 1970.
        expires: When it is forgotten.
    """

    id: str
    owner: str
    name: str
    query: ReadQuery
    state: State
    pages: int | None
    done: int
    failed: int
    provenance: dict[str, Any]
    problem: dict[str, Any] | None
    created: float
    expires: float

    @property
    def finished(self) -> bool:
        """Whether nothing more will be read of it."""
        return self.state in ("done", "failed", "cancelled")


@dataclass(frozen=True)
class JobPage:
    """What is known of a page of a job.

    Attributes:
        number: Its number in the source, from 1.
        state: How far it is.
        step: The how manieth of its job's pages it was to be finished, from 1; None before.
        content: What was read, as JSON of a document with this page alone, with the corrections; None before.
        lines: The lines that were corrected.
        problem: Why it could not be read, as a problem's members.
    """

    number: int
    state: PageState
    step: int | None
    content: bytes | None
    lines: tuple[LineIndex, ...]
    problem: dict[str, Any] | None


@dataclass(frozen=True)
class Step:
    """What is to be done next: a page to read, or, without a number, a document's pages to count."""

    job: str
    number: int | None


class JobStore:
    """The jobs of one service; may be used from any thread."""

    def __init__(self, folder: Path, keep_seconds: float, most: int) -> None:
        """Opens the store and takes back what was being read when it was last closed.

        Args:
            folder: Where everything lies; made where it is missing.
            keep_seconds: After how many seconds a job is forgotten.
            most: How many jobs are kept at once.

        Raises:
            OutputError: The folder cannot be used.
            UsageError: Another service uses it.
        """
        self._files = folder / "files"
        self._keep = keep_seconds
        self._most = most
        self._lock = threading.Lock()
        try:
            # What people bring is nobody else's business on this machine.
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._files.mkdir(exist_ok=True, mode=0o700)
            # Each statement by itself unless a transaction is begun; this module's lock keeps threads apart.
            self._database = sqlite3.connect(
                folder / f"jobs-{_SCHEMA_VERSION}.sqlite", timeout=0.5, isolation_level=None, check_same_thread=False
            )
            self._database.row_factory = sqlite3.Row
            # Nobody else shall read the same jobs, and a page that was told to be done must be so after a power cut.
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA foreign_keys = ON")
            self._database.executescript(_SCHEMA)
            self._database.execute("UPDATE pages SET state = 'waiting' WHERE state = 'reading'")
            self._database.execute("UPDATE jobs SET state = 'waiting' WHERE state = 'reading' AND pages IS NULL")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise UsageError(
                    f"Another typecase serve keeps its jobs in {folder}; name another folder for these (--jobs)."
                ) from None
            raise OutputError(f"Jobs cannot be kept in {folder} ({error}); name another folder (--jobs).") from None
        except (OSError, sqlite3.DatabaseError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise OutputError(f"Jobs cannot be kept in {folder} ({reason}); name another folder (--jobs).") from None

    def close(self) -> None:
        """Closes the database; what was being read is read again by the next service."""
        with self._lock:
            self._database.close()

    def add(self, owner: str, name: str, file: Path, query: ReadQuery) -> Job:
        """Takes a job in, and moves its file here.

        Raises:
            Problem: There are too many jobs (429).
        """
        job = secrets.token_urlsafe(16)
        now = time.time()
        with self._changing() as database:
            [count] = database.execute("SELECT count(*) FROM jobs").fetchone()
            if count >= self._most:
                raise Problem(
                    429,
                    "too-many-jobs",
                    "More jobs are kept here than can be; delete some that are finished, or come back later.",
                    {"Retry-After": "60"},
                )
            shutil.move(file, self.file_of(job))
            database.execute(
                "INSERT INTO jobs (id, owner, name, query, state, created, expires, turn) "
                "VALUES (?, ?, ?, ?, 'waiting', ?, ?, (SELECT coalesce(max(turn), 0) + 1 FROM jobs))",
                (job, owner, name, json.dumps(query.to_dict()), now, now + self._keep),
            )
        return self.job(job)

    def file_of(self, job: str) -> Path:
        """Where a job's file lies."""
        return self._files / job

    def job(self, job: str, owner: str | None = None) -> Job:
        """What is known of a job.

        Args:
            job: Its name.
            owner: Whose it must be; None for anyone's.

        Raises:
            Problem: There is none of that name, or it is another's (404).
        """
        with self._lock:
            row = self._database.execute(
                "SELECT *, (SELECT count(*) FROM pages WHERE job = id AND pages.state = 'done') AS done, "
                "(SELECT count(*) FROM pages WHERE job = id AND pages.state = 'failed') AS failed "
                "FROM jobs WHERE id = ?",
                (job,),
            ).fetchone()
        if row is None or (owner is not None and row["owner"] != owner):
            raise Problem(404, "no-such-job", "There is no such job, or no longer; send the file again.")
        return Job(
            row["id"],
            row["owner"],
            row["name"],
            ReadQuery.from_dict(json.loads(row["query"])),
            row["state"],
            row["pages"],
            row["done"],
            row["failed"],
            json.loads(row["provenance"]),
            None if row["problem"] is None else json.loads(row["problem"]),
            row["created"],
            row["expires"],
        )

    def page(self, job: str, number: int) -> JobPage:
        """What is known of a page.

        Raises:
            Problem: The job has no such page (404).
        """
        with self._lock:
            row = self._database.execute("SELECT * FROM pages WHERE job = ? AND number = ?", (job, number)).fetchone()
        if row is None:
            raise Problem(404, "no-such-page", f"There is no page {number} among those that this job reads.")
        return _page_of(row)

    def pages(self, job: str, *, after: int | None = None) -> Iterator[JobPage]:
        """The pages of a job by their numbers, one at a time; with `after` those finished since, in that order."""
        with self._lock:
            if after is None:
                rows = self._database.execute("SELECT number FROM pages WHERE job = ? ORDER BY number", (job,))
            else:
                rows = self._database.execute(
                    "SELECT number FROM pages WHERE job = ? AND step > ? ORDER BY step", (job, after)
                )
            numbers = [number for (number,) in rows.fetchall()]
        return (self.page(job, number) for number in numbers)

    def unfinished(self) -> int:
        """How many jobs are not finished."""
        with self._lock:
            [count] = self._database.execute(
                "SELECT count(*) FROM jobs WHERE state IN ('waiting', 'reading')"
            ).fetchone()
        return int(count)

    def take(self) -> Step | None:
        """Says what is to be done next, and notes that it is being done; the jobs take turns."""
        with self._changing() as database:
            row = database.execute(
                "SELECT id, pages FROM jobs WHERE (state = 'waiting' AND pages IS NULL) OR "
                "(state = 'reading' AND EXISTS (SELECT 1 FROM pages WHERE job = id AND pages.state = 'waiting')) "
                "ORDER BY turn LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            job = row["id"]
            database.execute(
                "UPDATE jobs SET state = 'reading', turn = (SELECT max(turn) + 1 FROM jobs) WHERE id = ?", (job,)
            )
            if row["pages"] is None:
                return Step(job, None)
            [number] = database.execute(
                "SELECT min(number) FROM pages WHERE job = ? AND state = 'waiting'", (job,)
            ).fetchone()
            database.execute("UPDATE pages SET state = 'reading' WHERE job = ? AND number = ?", (job, number))
            return Step(job, number)

    def put_back(self, step: Step) -> None:
        """Notes that something taken was not done after all."""
        with self._changing() as database:
            if step.number is None:
                database.execute("UPDATE jobs SET state = 'waiting' WHERE id = ? AND state = 'reading'", (step.job,))
            else:
                database.execute(
                    "UPDATE pages SET state = 'waiting' WHERE job = ? AND number = ? AND state = 'reading'",
                    (step.job, step.number),
                )

    def counted(self, job: str, numbers: Sequence[int]) -> None:
        """Notes which pages a job has."""
        with self._changing() as database:
            changed = database.execute("UPDATE jobs SET pages = ? WHERE id = ?", (len(numbers), job)).rowcount
            if changed:
                database.executemany(
                    "INSERT OR IGNORE INTO pages (job, number, state) VALUES (?, ?, 'waiting')",
                    [(job, number) for number in numbers],
                )

    def page_read(self, step: Step, content: bytes, provenance: dict[str, Any]) -> None:
        """Notes what was read."""
        with self._changing() as database:
            database.execute(
                f"UPDATE pages SET state = 'done', content = ?, {_NEXT_STEP} WHERE job = ? AND number = ?",
                (content, step.job, step.job, step.number),
            )
            database.execute("UPDATE jobs SET provenance = ? WHERE id = ?", (json.dumps(provenance), step.job))
            _finish_if_read(database, step.job)

    def page_failed(self, step: Step, problem: dict[str, Any], *, again: bool) -> None:
        """Notes that a page was not read; `again` lets it be tried once more."""
        with self._changing() as database:
            state = "CASE WHEN tries + 1 < ? THEN 'waiting' ELSE 'failed' END" if again else "'failed'"
            database.execute(
                f"UPDATE pages SET state = {state}, tries = tries + 1, problem = ? WHERE job = ? AND number = ?",
                (*((_MOST_TRIES,) if again else ()), json.dumps(problem), step.job, step.number),
            )
            database.execute(
                f"UPDATE pages SET {_NEXT_STEP} WHERE job = ? AND number = ? AND state = 'failed'",
                (step.job, step.job, step.number),
            )
            _finish_if_read(database, step.job)

    def fail(self, job: str, problem: dict[str, Any]) -> None:
        """Notes that a job as a whole cannot be done."""
        with self._changing() as database:
            database.execute("UPDATE jobs SET state = 'failed', problem = ? WHERE id = ?", (json.dumps(problem), job))

    def correct(self, job: str, number: int, content: bytes, lines: Sequence[LineIndex]) -> None:
        """Keeps a corrected page."""
        old = self.page(job, number).lines
        with self._changing() as database:
            database.execute(
                "UPDATE pages SET corrected = ?, lines = ? WHERE job = ? AND number = ?",
                (content, json.dumps(sorted({*old, *lines})), job, number),
            )

    def forget_corrections(self, job: str, number: int) -> None:
        """Makes a page again what was read."""
        with self._changing() as database:
            database.execute(
                "UPDATE pages SET corrected = NULL, lines = '[]' WHERE job = ? AND number = ?", (job, number)
            )

    def cancel(self, job: str) -> None:
        """Reads no more of a job; what was read of it stays."""
        with self._changing() as database:
            database.execute(
                "UPDATE jobs SET state = 'cancelled' WHERE id = ? AND state IN ('waiting', 'reading')", (job,)
            )

    def delete(self, job: str) -> None:
        """Forgets a job, its file and all that was read."""
        with self._changing() as database:
            database.execute("DELETE FROM jobs WHERE id = ?", (job,))
        self.file_of(job).unlink(missing_ok=True)

    def delete_expired(self) -> list[str]:
        """Forgets the jobs whose time is over, and files that belong to none; gives the jobs' names."""
        with self._lock:
            rows = self._database.execute("SELECT id FROM jobs WHERE expires < ?", (time.time(),)).fetchall()
        expired = [job for (job,) in rows]
        for job in expired:
            self.delete(job)
        with self._lock:
            known = {job for (job,) in self._database.execute("SELECT id FROM jobs").fetchall()}
            for file in self._files.iterdir():
                if file.name not in known:
                    file.unlink(missing_ok=True)
        return expired

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise


_NEXT_STEP = "step = (SELECT coalesce(max(step), 0) + 1 FROM pages WHERE job = ?)"


def _finish_if_read(database: sqlite3.Connection, job: str) -> None:
    counts = dict(database.execute("SELECT state, count(*) FROM pages WHERE job = ? GROUP BY state", (job,)).fetchall())
    if counts.get("waiting") or counts.get("reading"):
        return
    if counts.get("done"):
        database.execute("UPDATE jobs SET state = 'done' WHERE id = ? AND state = 'reading'", (job,))
    else:
        database.execute(
            "UPDATE jobs SET state = 'failed', "
            "problem = (SELECT problem FROM pages WHERE job = ? ORDER BY number LIMIT 1) "
            "WHERE id = ? AND state = 'reading'",
            (job, job),
        )


def _page_of(row: sqlite3.Row) -> JobPage:
    return JobPage(
        row["number"],
        row["state"],
        row["step"],
        row["content"] if row["corrected"] is None else row["corrected"],
        tuple((block, line) for block, line in json.loads(row["lines"])),
        None if row["problem"] is None else json.loads(row["problem"]),
    )
