# Settings of the flask command in development, without secrets: those are in .env.
FLASK_APP={{ cookiecutter.__package }}
FLASK_API_DOCS=true
FLASK_LOG_JSON=false
FLASK_RUN_HOST=127.0.0.1
FLASK_RUN_PORT=5001
