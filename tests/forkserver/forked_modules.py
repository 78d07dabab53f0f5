"""What tests let a fork server run: `python -m forked_modules DO ARGUMENT`."""

import os
import signal
import sys
import time

imported_in = os.getpid()


def main(do, argument=""):
    match do:
        case "print":
            print(argument, os.environ.get("GIVEN"), flush=True)
            print("to standard error", file=sys.stderr)
        case "exit":
            sys.exit(int(argument) if argument.isdecimal() else argument)
        case "raise":
            raise ValueError(argument)
        case "import":
            import forked_library

            print(forked_library.imported_in == os.getpid())
        case "identify":
            print(os.getpid(), os.getsid(0), signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        case "fork":
            if os.fork():
                print("forked", flush=True)
            time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
