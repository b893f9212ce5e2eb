import pytest
from ml_metadata import errors

from components.kubeflow_task import store
from components.kubeflow_task.store import in_store


@pytest.fixture
def tries(monkeypatch):
    monkeypatch.setattr(store.time, "sleep", lambda seconds: None)
    return []


@pytest.mark.parametrize(
    "crossed", [errors.AbortedError, errors.AlreadyExistsError, errors.InternalError]
)
def test_an_act_that_crossed_another_one_is_tried_again(metadata, tries, crossed):
    def act(handle):
        tries.append(handle.store.get_contexts())
        if len(tries) < 3:
            raise crossed("crossed")
        return "done"

    assert in_store(act) == "done"
    assert tries == [[], [], []]


def test_one_that_never_gets_through_ends_in_its_error(metadata, tries):
    def act(handle):
        tries.append(handle)
        raise errors.AbortedError("crossed")

    with pytest.raises(errors.AbortedError, match="crossed"):
        in_store(act)
    assert len(tries) == 6


def test_another_error_is_not_tried_again(metadata, tries):
    def act(handle):
        tries.append(handle)
        raise errors.InvalidArgumentError("wrong")

    with pytest.raises(errors.InvalidArgumentError, match="wrong"):
        in_store(act)
    assert len(tries) == 1
