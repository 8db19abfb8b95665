"""The HTTP application: routes, guards and errors around two models. No Ray in here."""

from fastapi import FastAPI

from selfj import __version__
from selfj.serve.endpoint import Endpoint
from selfj.serve.errors import add_error_handlers
from selfj.serve.guard.admission import Places, TurnAway
from selfj.serve.guard.chain import add_guards
from selfj.serve.observe.observer import add_observer
from selfj.serve.routes import calibration, chat, health, judge, models, page, rerank, rewards

ROUTES = (judge, chat, rerank, rewards, health, models, calibration, page)
"""Each module has a `router`. They are tried in this order: first what is asked most."""


def create_app(endpoint: Endpoint) -> FastAPI:
    """The application of one served run; `endpoint` is at `app.state.endpoint`."""
    app = FastAPI(title="Self-J", version=__version__, description=__doc__, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.endpoint = endpoint
    add_error_handlers(app)
    load = endpoint.settings.ingress_replicas
    places = Places(load.max_ongoing_requests, load.max_queued_requests)
    add_guards(app, endpoint, places)
    add_observer(app, endpoint)
    app.add_middleware(TurnAway, places=places, metrics=endpoint.metrics)
    for module in ROUTES:
        if module is not page or endpoint.settings.page:
            app.include_router(module.router)
    return app
