"""The guards that every other test relies on hold themselves."""

from __future__ import annotations

import os
import socket
import textwrap
from pathlib import Path

import pytest

import conftest
import network_guard

SKIPPING = """
    import pytest
    from conftest import shared_data

    def test_passes():
        pass

    def test_skips():
        pytest.skip("no browser here")

    @pytest.mark.skipif(True, reason="no font here")
    def test_marked():
        pass

    def test_data():
        shared_data("no/such.tgz")

    @pytest.fixture
    def data():
        return shared_data("no/such.tgz")

    def test_fixture(data):
        pass

    @pytest.mark.xfail(reason="known", strict=True)
    def test_expected_to_fail():
        assert False
"""


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with our own conftest and tests that skip in every way."""
    monkeypatch.delenv("TYPECASE_REQUIRE_ALL", raising=False)
    source = Path(conftest.__file__).read_text(encoding="utf-8")
    pytester.makeconftest(source)
    pytester.makepyfile(network_guard=Path(network_guard.__file__).read_text(encoding="utf-8"))
    pytester.makepyfile(textwrap.dedent(SKIPPING))
    pytester.makeini("[pytest]\n")
    return pytester


def test_skips_are_skips_on_other_peoples_machines(inner: pytest.Pytester) -> None:
    result = inner.runpytest_subprocess("-p", "no:cacheprovider", "-rs")
    result.assert_outcomes(passed=1, skipped=4, xfailed=1)
    result.stdout.fnmatch_lines(["*no/such.tgz is not there; set TYPECASE_DATA*"])
    assert result.ret == 0


@pytest.mark.parametrize("more", [(), ("-n", "1")])
def test_skips_are_failures_where_all_is_required(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    monkeypatch.setenv("TYPECASE_REQUIRE_ALL", "1")
    result = inner.runpytest_subprocess("-p", "no:cacheprovider", *more)
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == 1
    assert outcomes["xfailed"] == 1
    assert outcomes.get("failed", 0) + outcomes.get("errors", 0) == 4
    assert "skipped" not in outcomes
    result.stdout.fnmatch_lines(["*no browser here*TYPECASE_REQUIRE_ALL=1*"])
    assert result.ret == 1


def test_module_that_skips_itself_fails_where_all_is_required(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner.makepyfile(test_whole="import pytest\npytest.importorskip('no_such_library')\n")
    assert (
        inner.runpytest_subprocess("-p", "no:cacheprovider", "test_whole.py").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    )
    monkeypatch.setenv("TYPECASE_REQUIRE_ALL", "1")
    result = inner.runpytest_subprocess("-p", "no:cacheprovider", "test_whole.py")
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    result.stdout.fnmatch_lines(["*no_such_library*"])


def test_network_is_cut() -> None:
    with socket.socket() as one, pytest.raises(network_guard.NetworkUsed):
        one.connect(("192.0.2.1", 80))
    with pytest.raises(network_guard.NetworkUsed):
        socket.create_connection(("example.org", 80), timeout=1)
    with pytest.raises(network_guard.NetworkUsed):
        socket.getaddrinfo("example.org", 80)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, pytest.raises(network_guard.NetworkUsed):
        one.sendto(b"telemetry", ("192.0.2.1", 80))
    assert len(network_guard.ATTEMPTS) == 4
    network_guard.ATTEMPTS.clear()


def test_swallowed_refusal_fails_the_test(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        test_quiet="""
        import contextlib, socket

        def test_telemetry():
            with contextlib.suppress(Exception):
                socket.create_connection(("192.0.2.1", 80), timeout=1)
        """
    )
    result = inner.runpytest_subprocess("-p", "no:cacheprovider", "test_quiet.py")
    result.assert_outcomes(passed=1, errors=1)


def test_network_is_cut_for_the_command_too(tmp_path: Path, run_typecase: conftest.RunTypecase) -> None:
    assert run_typecase("--version", env={"PYTHONPATH": str(tmp_path)}).returncode == 0
    (tmp_path / "rich.py").write_text(
        "import socket\ntry: socket.create_connection(('192.0.2.1', 80), timeout=1)\nexcept Exception: pass\n"
    )
    done = run_typecase("--help", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == network_guard.EXIT_CODE
    assert "'192.0.2.1'" in done.stderr


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.sendall(b"x")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1) == b"x"


def test_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TYPECASE_DATA", str(tmp_path))
    (tmp_path / "there").touch()
    assert conftest.shared_data("there") == tmp_path / "there"
    monkeypatch.delenv("TYPECASE_DATA")
    assert conftest.data_folder() == (conftest.REPOSITORY.parent / "shared" / "data").resolve()


def test_cache_is_not_the_users() -> None:
    assert not Path(os.environ["TYPECASE_CACHE"]).is_relative_to(Path.home() / ".cache")


def test_blocked_libraries_seem_absent(run_typecase: conftest.RunTypecase) -> None:
    done = run_typecase("--version", blocked=["msgspec"])
    assert done.returncode == 0
    done = run_typecase("--version", blocked=["typer"])
    assert "ModuleNotFoundError" in done.stderr
