# e-Prunes. « make » ou « make help » dit ce qu'on peut faire.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run reset test lint bench bench-million migrations

export PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Le nom du témoin dépend du contenu des deux fichiers : l'environnement n'est refait que s'ils changent.
READY := $(VENV)/.ready-$(shell cat requirements.txt requirements-dev.txt | sha256sum | cut -c1-12)

help: ## Afficher cette aide
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(READY) ## Démarrer la démonstration complète (Ctrl-C l'arrête, les données restent)
	@set -a; if [ -f .env ]; then . ./.env; fi; set +a; exec $(BIN)/python -m demo.run

reset: $(READY) ## Effacer les données de la démonstration
	@set -a; if [ -f .env ]; then . ./.env; fi; set +a; exec $(BIN)/python -m demo.reset

test: $(READY) ## Tout vérifier : règles d'écriture, puis tous les tests, sur SQLite et PostgreSQL
	@.ci/packages chromium postgresql
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n 4

lint: $(READY) ## Vérifier et mettre en forme le code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## Mesurer les temps de réponse, sur SQLite et PostgreSQL
	@.ci/packages postgresql
	$(BIN)/python -m bench

bench-million: $(READY) ## Mesurer un client parmi 2 000 (un million de véhicules, PostgreSQL ; trois minutes)
	@.ci/packages postgresql
	$(BIN)/python -m bench.million

migrations: $(READY) ## Écrire la migration de ce qui a changé dans les modèles : make migrations m="Ajouter…"
	@if [ -z "$(m)" ]; then echo 'Dites ce qui change : make migrations m="Ajouter…"' >&2; exit 1; fi
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	export EPRUNES_DATABASE_URL="sqlite:///$$folder/main.sqlite" EPRUNES_KEYSTORE_URL="sqlite:///$$folder/keys.sqlite" && \
	export EPRUNES_MASTER_KEY_FILE="$$folder/master.key" && \
	number=$$(printf '%04d' $$(( $$(ls migrations/versions/*.py | wc -l) + 1 ))) && \
	$(BIN)/flask --app wsgi db upgrade && $(BIN)/flask --app wsgi db migrate --rev-id "$$number" -m "$(m)"

$(READY): requirements.txt requirements-dev.txt
	@.ci/packages python3-venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Il faut Python 3.11 ou plus récent (PYTHON=… make … en choisit un autre)." >&2; exit 1; }
	@if [ ! -x $(BIN)/python ]; then $(PYTHON) -m venv $(VENV); fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@rm -f $(VENV)/.ready-* && touch $@
