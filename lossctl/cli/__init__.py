"""The command line. The one place where errors become exit codes."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from lossctl.cli import startup
from lossctl.errors import ExitStatus, LossctlError, OutputError, ReaderLeftError, inert

NO_THREAD = ("can't start new thread", "Failed to launch worker thread")  # Python's, Arrow's words

NO_MEMORY = "failed to map segment"  # the loader's words
EXHAUSTED = (errno.ENOMEM, errno.EMFILE, errno.ENFILE)


class TerminatedError(BaseException):
    """SIGTERM came. Not an Exception: nothing may catch it on its way out."""


def main() -> None:
    """The console script."""
    startup.begin()
    signal.signal(signal.SIGTERM, _terminated)
    status = run(sys.argv[1:])
    if status != ExitStatus.OK:
        _silence_stdout()
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run the program and return its exit status. Nothing but results reaches stdout."""
    debug = "--debug" in arguments
    try:
        status = _invoke(list(arguments))
        _close_stdout()
        return status
    except (BrokenPipeError, ReaderLeftError):
        return ExitStatus.PIPE
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except TerminatedError:
        return ExitStatus.TERMINATED
    except LossctlError as error:
        return _failed(str(error), error.status, debug)
    except SystemExit as left:  # completion is done; or Click saw its help go nowhere
        return ExitStatus.PIPE if left.code else ExitStatus.OK
    except OSError as problem:
        if problem.errno in EXHAUSTED:
            text = f"the system has no more to give: {(problem.strerror or '').lower()}"
            return _failed(text, ExitStatus.DATA, debug)
        text = f"standard output: {problem.strerror or problem}"
        return _failed(text, ExitStatus.OUTPUT, debug)
    except MemoryError:
        text = "the data need more memory than there is; lower --block-rows"
        return _failed(text, ExitStatus.DATA, debug)
    except Exception as error:
        if isinstance(error, ImportError) and NO_MEMORY in str(error):
            return _failed("a library needs more memory than there is", ExitStatus.DATA, debug)
        if any(words in str(error) for words in NO_THREAD):
            text = "no thread can be started: free some memory, or --threads 1"
            return _failed(text, ExitStatus.DATA, debug)
        text = f"internal error: {type(error).__name__}: {error}"
        return _failed(f"{text}; --debug shows where", ExitStatus.INTERNAL, debug)


def _invoke(arguments: list[str]) -> int:
    from lossctl.cli.plain import call_of

    call = call_of(arguments)
    return _through_typer(arguments) if call is None else call()


def _through_typer(arguments: list[str]) -> int:
    import typer

    from lossctl.cli.app import app

    # Typer may carry its own copy of Click: its exceptions are found through its public ones.
    kinds = {kind.__name__: kind for kind in typer.BadParameter.__mro__}
    click_error: Any = kinds["ClickException"]
    try:
        status = app(arguments, prog_name="lossctl", standalone_mode=False)
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.Abort:
        return ExitStatus.INTERRUPTED
    except click_error as problem:
        if type(problem).__name__ == "NoArgsIsHelpError":
            startup.say(problem.format_message())
            return ExitStatus.USAGE
        message = problem.format_message().strip().rstrip(".").replace("\n", " ")
        message = (
            message[0].lower() + message[1:] if message[:2] != message[:2].upper() else message
        )
        return _failed(f"{message}; lossctl --help lists what there is", ExitStatus.USAGE, False)
    return status if isinstance(status, int) else ExitStatus.OK


def _failed(message: str, status: int, debug: bool) -> int:
    if debug:
        import traceback

        from lossctl.renderers.typeset import shown

        for line in traceback.format_exc().rstrip("\n").split("\n"):  # it quotes data too
            startup.say(shown(line))
    startup.say(f"lossctl: {inert(message)}")
    return status


def _close_stdout() -> None:
    """Make sure that everything was written: a full disk must not look like success."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise OutputError(f"standard output: {problem.strerror}", "free some space") from None


def _silence_stdout() -> None:
    """Keep the interpreter from writing what is left, and failing, at exit."""
    if sys.stdout is None:
        return
    try:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
    except (OSError, ValueError, AttributeError):
        pass


def _terminated(number: int, frame: object) -> None:
    raise TerminatedError
