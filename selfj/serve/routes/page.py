"""`GET /`: the page for people."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from selfj.serve.endpoint import Endpoint, endpoint_of
from selfj.serve.page.document import page_document

router = APIRouter()


@router.get("/", include_in_schema=False)
async def page(endpoint: Annotated[Endpoint, Depends(endpoint_of)]) -> HTMLResponse:
    """The page. Where keys are asked for its status is 401, and it asks for one: it holds nothing of the run itself."""
    found = page_document()
    status = 200 if endpoint.settings.access.open else 401
    return HTMLResponse(found.html, status, headers={"Content-Security-Policy": found.policy, "Cache-Control": "no-cache"})
