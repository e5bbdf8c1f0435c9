"""Speaking to whoever started a measurement: what goes on to standard error, results to standard output."""

import signal
import sys
from collections.abc import Callable, Sequence

from aurix.embedded.progress import StartError
from bench.servers import MeasurementError


def say(text: str) -> None:
    """What goes on, beside the results."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def guarded(main: Callable[[Sequence[str]], int]) -> None:
    """Run ``main`` with the command line's arguments and exit with what it returns; a known problem is a sentence."""
    for number in (signal.SIGTERM, signal.SIGINT):  # started in the background the latter would be ignored
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except (MeasurementError, StartError) as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
