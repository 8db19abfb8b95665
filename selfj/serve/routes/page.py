"""`GET /`: the page for people."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from selfj.serve.endpoint import Endpoint, endpoint_of
from selfj.serve.page.document import page_document

router = APIRouter()


@router.get("/", include_in_schema=False)
async def page(endpoint: Annotated[Endpoint, Depends(endpoint_of)]) -> HTMLResponse:
    """The page; it holds nothing of the run itself.

    Where keys are asked for its status is 401, and it asks for one: a browser that opens a page sends none.
    """
    found = page_document()
    headers = {"Content-Security-Policy": found.policy, "Cache-Control": "no-cache"}
    if endpoint.settings.access.open:
        return HTMLResponse(found.html, headers=headers)
    return HTMLResponse(found.html, 401, headers={**headers, "WWW-Authenticate": "Bearer"})
