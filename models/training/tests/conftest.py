"""What holds for all tests."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def packed_forms_apart(tmp_path_factory):
    """The program leaves packed forms with the tests' own files, not in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CACHE_DIRECTORY", str(tmp_path_factory.mktemp("cache")))
        yield
