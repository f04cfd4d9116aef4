"""Ask a provider about many ids, whatever it understands: all at once, in halves, or one by one.

Some panels know only `order=`, and refuse a request with `orders=` as a whole. Others refuse a whole request because of
one id. A refused request is asked again in halves, down to one id, which is then asked by `order=`. A provider that
answers that, and not the list of one, takes one id at a time: this is stored with the provider.

If the first ids are refused one by one and none is answered, some others are tried. If these are refused as well, the
trouble is the provider's: it is not asked about each of the rest.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from tradepost.engine.refusals import RefusalMeaning
from tradepost.fulfilment.provider_errors import pause_of
from tradepost.fulfilment.throttled_client import ThrottledClient
from tradepost.providers import refusals
from tradepost.providers.models import Provider
from tradepost_client import Client, Declined, PanelError, Refused, Unreadable

# The provider does not understand the request: this says nothing about the order.
_ABOUT_REQUEST = re.compile(
    r"(incorrect|invalid|bad|unknown|wrong) (request|action|method|parameter)|required|missing|not supported"
    r"|unsupported|(action|method|request|feature) .*(not|n't|disabled)",
    re.IGNORECASE,
)
_REFUSALS = (Declined, Unreadable)
REFUSED_FIRST = 3  # ids refused one by one, and none answered: then perhaps the trouble is not the ids'
SINGLES_SECONDS_MAX = 5  # how long one batch of single requests may take at the provider's limit


class IdAction[R](msgspec.Struct, frozen=True):
    """An action of the protocol on ids: the request about many, and the request about one.

    `only_reads` is set if a refusal decides nothing, so that the rest of the ids can wait.
    """

    name: str
    many: Callable[[Client, Sequence[str]], Mapping[int | str, R]]
    one: Callable[[Client, str], R]
    only_reads: bool = False


class IdAnswers[R](msgspec.Struct):
    """The answers, by id. `error` is the failure that ended the questions: ids that are left out have no answer.

    `takes_one_id` is set if the provider has shown that it takes one id at a time.
    """

    by_id: dict[str, R | Declined | Unreadable]
    error: PanelError | None = None
    takes_one_id: bool = False


def batches[R](provider: Provider, action: IdAction[R], ids: Sequence[str], ids_max: int) -> list[Sequence[str]]:
    """Split ids into requests: of one id, if the provider takes one at a time."""
    size = 1 if action.name in provider.single_id_actions else ids_max
    return [ids[first : first + size] for first in range(0, len(ids), size)]


def ids_a_round[R](provider: Provider, action: IdAction[R], ids_max: int) -> int:
    """Return how many ids to ask about before new orders get their turn."""
    if action.name not in provider.single_id_actions:
        return ids_max
    return min(ids_max, max(1, SINGLES_SECONDS_MAX * provider.requests_a_second))


def ask[R](throttled: ThrottledClient, provider: Provider, action: IdAction[R], ids: Sequence[str]) -> IdAnswers[R]:
    """Ask about ids, in the calling thread, until each has an answer or an error is about more than the ids."""
    answers = IdAnswers[R]({}, takes_one_id=action.name in provider.single_id_actions)
    waiting = [list(ids)]
    while waiting and answers.error is None:
        some = waiting.pop()
        if answers.takes_one_id:
            for id_ in some:
                _ask_one(throttled, action, id_, answers)
            continue
        answer = throttled.request(lambda client, some=some: action.many(client, some))  # type: ignore[misc]
        if not isinstance(answer, PanelError):
            answers.by_id.update({str(id_): each for id_, each in answer.items()})
        elif not _is_about_ids(answer):
            answers.error = answer
        elif len(some) > 1:
            half = len(some) // 2
            waiting += [some[half:], some[:half]]
        else:
            _ask_last(throttled, action, some[0], answers)
            if (
                action.only_reads
                and _are_first_refused(answers)
                and not _is_any_answered(throttled, action, waiting, answers)
            ):
                answers.error = answer
    return answers


def remember[R](provider: Provider, action: IdAction[R], answers: IdAnswers[R]) -> None:
    """Store with the provider that it takes one id at a time, if it has shown that."""
    if answers.takes_one_id and action.name not in provider.single_id_actions:
        provider.single_id_actions = [*provider.single_id_actions, action.name]
        provider.save(update_fields=["single_id_actions"])


def _ask_last[R](throttled: ThrottledClient, action: IdAction[R], id_: str, answers: IdAnswers[R]) -> None:
    """Ask about an id whose list of one was refused. If only this is answered, the provider takes one id at a time."""
    if _ask_one(throttled, action, id_, answers) and answers.error is None:
        again = throttled.request(lambda client: action.many(client, [id_]))
        answers.takes_one_id = isinstance(again, PanelError) and _is_about_ids(again)


def _are_first_refused[R](answers: IdAnswers[R]) -> bool:
    return len(answers.by_id) == REFUSED_FIRST and all(isinstance(each, _REFUSALS) for each in answers.by_id.values())


def _is_any_answered[R](
    throttled: ThrottledClient, action: IdAction[R], waiting: Sequence[Sequence[str]], answers: IdAnswers[R]
) -> bool:
    """Ask about some of the ids that wait, by chance. Return whether one of them, or all, were answered."""
    left = [id_ for some in waiting for id_ in some]
    tried = random.sample(left, min(REFUSED_FIRST, len(left)))
    return not left or any(_ask_one(throttled, action, id_, answers) for id_ in tried)


def _ask_one[R](throttled: ThrottledClient, action: IdAction[R], id_: str, answers: IdAnswers[R]) -> bool:
    """Ask about one id, by `order=`. Return whether the provider gave an answer about it."""
    if answers.error:
        return True
    answer = throttled.request(lambda client: action.one(client, id_))
    if not isinstance(answer, PanelError):
        answers.by_id[id_] = answer
        return True
    if _is_about_ids(answer):
        text = str(answer)
        answers.by_id[id_] = Unreadable(text) if _says_nothing(text) else Declined(text)
    else:
        answers.error = answer
    return False


def _says_nothing(text: str) -> bool:
    """Return whether a refusal is about the request, or about the moment, and so decides nothing about the order."""
    return bool(_ABOUT_REQUEST.search(text)) or refusals.meaning_of(text) is RefusalMeaning.SERVICE_OFF


def _is_about_ids(error: PanelError) -> bool:
    return isinstance(error, Refused) and pause_of(error) is None
