"""How the application is put together: settings, database, key store, door, rooms, commands."""

import hashlib
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate
from sqlalchemy.engine import make_url

from eprunes import cli, health, home, wellknown
from eprunes.accounts import guard
from eprunes.accounts import views as accounts_views
from eprunes.admin import views as admin_views
from eprunes.antai import models as antai_models  # noqa: F401 - tables
from eprunes.antai import views as antai_views
from eprunes.core import clock, mail, tenant_guard, web, work  # noqa: F401 - tables; the guard listens once imported
from eprunes.core.config import PROJECT_ROOT, Settings, read_settings
from eprunes.core.crypto import KeyStore
from eprunes.core.database import db, engine_options
from eprunes.fines import models as fines_models  # noqa: F401 - tables
from eprunes.fines import views as fines_views
from eprunes.fleet import import_views as fleet_import_views
from eprunes.fleet import models as fleet_models  # noqa: F401 - tables
from eprunes.fleet import views as fleet_views
from eprunes.navigation import navigation
from eprunes.provider import views as provider_views

PAGES = (
    home,
    health,
    wellknown,
    accounts_views,
    fines_views,
    fleet_views,
    fleet_import_views,
    antai_views,
    admin_views,
    provider_views,
)

migrate = Migrate(directory=str(PROJECT_ROOT / "migrations"))


def build(environ: Mapping[str, str] | None = None) -> Flask:
    """The Flask application for these settings. Raises SettingsRefused when they are unsafe."""
    settings = read_settings(os.environ if environ is None else environ)
    clock.set_offset(settings.clock_offset)
    app = Flask("eprunes", root_path=str(PROJECT_ROOT / "eprunes"), template_folder=str(PROJECT_ROOT / "templates"))
    app.extensions["eprunes_settings"] = settings
    _install_stores(app, settings)
    web.install(app, settings)
    guard.install(app, settings)
    web.install_csrf(app)
    for pages in PAGES:
        app.register_blueprint(pages.blueprint)
    app.jinja_env.globals.update(
        navigation=navigation,
        is_demo=settings.demo,
        mailbox_url=settings.mailbox_url,
        asset_version=_asset_version(app),
    )
    cli.install(app)
    return app


def _install_stores(app: Flask, settings: Settings) -> None:
    for url in (settings.database_url, settings.keystore_url):
        _make_folder_of(url)
    store = KeyStore(settings.keystore_url, settings.master_key_file)
    app.extensions["eprunes_key_store"] = store
    app.config["SECRET_KEY"] = settings.secret_key or store.derived_secret("web")
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings.database_url)
    db.init_app(app)
    migrate.init_app(app, db)


def _asset_version(app: Flask) -> str:
    """Changes with our own static files and with Bootstrap, so that browsers may keep them for good."""
    digest = hashlib.sha256(version("bootstrap-flask").encode())
    for path in sorted(Path(app.static_folder).iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _make_folder_of(url: str) -> None:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        Path(parsed.database).resolve().parent.mkdir(parents=True, exist_ok=True)
