"""Every route of the service, met by one suite."""

import inspect

import pytest

from tellapart import leaves
from tellapart.serve import routes


@pytest.mark.parametrize("name", routes.names())
def test_a_route_has_a_sentence_a_path_and_methods(name):
    module = routes.load(name)
    assert leaves.card(routes.__name__, name).split("\n")[0].endswith(".")
    assert module.PATH.startswith("/")
    assert set(module.METHODS) <= {"GET", "POST"}
    assert inspect.iscoroutinefunction(module.answer)


def test_no_two_routes_have_one_path():
    paths = [(routes.load(name).PATH, method) for name in routes.names() for method in routes.load(name).METHODS]
    assert len(paths) == len(set(paths))
