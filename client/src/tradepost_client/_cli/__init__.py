"""The `tradepost-client` command: the extra `cli`."""

import sys


def main() -> None:
    try:
        from tradepost_client._cli.app import app  # noqa: PLC0415 - so that a missing package can be reported
    except ImportError as error:
        print(f"{error}. The command needs its extra: pip install 'tradepost-client[cli]'", file=sys.stderr)
        raise SystemExit(2) from None
    app()
