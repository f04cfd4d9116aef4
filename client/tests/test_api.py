"""The public API: `__all__` names all of it, and both clients have the same methods."""

import inspect
import subprocess
import sys
from importlib import resources

import tradepost_client
from tradepost_client import AsyncClient, Client, _errors


def test_all_is_the_api() -> None:
    public = {name for name in vars(tradepost_client) if not name.startswith("_")}
    assert sorted(tradepost_client.__all__) == sorted(public)
    assert len(set(tradepost_client.__all__)) == len(tradepost_client.__all__)


def test_the_package_is_typed() -> None:
    assert resources.files(tradepost_client).joinpath("py.typed").is_file()


def signatures(client: type) -> dict[str, list[tuple[str, object, object]]]:
    """Return the parameters of each public method."""
    return {
        name.removeprefix("a") if name == "aclose" else name: [
            (parameter.name, parameter.kind, parameter.default)
            for parameter in inspect.signature(method).parameters.values()
        ]
        for name, method in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }


def test_both_clients_have_the_same_methods() -> None:
    assert signatures(Client) == signatures(AsyncClient)
    options = [list(inspect.signature(client).parameters) for client in (Client, AsyncClient)]
    assert options[0] == options[1]


def test_the_tree_of_errors_in_the_docstring_is_the_tree_there_is() -> None:
    for name in ("PanelError", "Refused", "RateLimited", "NotSent", "Ambiguous"):
        assert name in str(_errors.__doc__)
        assert issubclass(getattr(tradepost_client, name), tradepost_client.PanelError)


def test_the_library_needs_no_terminal() -> None:
    code = "import sys, tradepost_client; sys.exit(bool({'rich', 'typer'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
