"""How pages and htmx get along: a redirect asked for by htmx leads the whole page on, not the part that it swaps."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django_htmx.http import HttpResponseClientRedirect

type Answer = Callable[[HttpRequest], HttpResponse]


def whole_page_redirects(get_response: Answer) -> Answer:
    """Have redirects of htmx requests, to the sign-in page for one, be followed by the browser."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if isinstance(response, HttpResponseRedirect) and request.headers.get("HX-Request"):
            return HttpResponseClientRedirect(response.url)
        return response

    return answer
