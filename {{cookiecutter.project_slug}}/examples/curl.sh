#!/bin/sh
# Log in, call the API, renew the session, call again, log out: with curl.
#
#     API_URL=http://127.0.0.1:5001 API_EMAIL=... API_PASSWORD=... sh examples/curl.sh
#
# Passwords and tokens go by standard input: other users of the machine can read the
# words of a command.
set -eu

request() {
    curl --silent --show-error --fail-with-body "$@"
}

post_json() {
    request --header 'Content-Type: application/json' --data @- "$API_URL$1"
}

with_token() {
    printf 'Authorization: Bearer %s' "$token" | request --header @- "$@"
}

user_field() {
    printf '%s' "$answer" | python3 -c '
import json, sys
print(json.load(sys.stdin)["response"]["user"][sys.argv[1]])' "$1"
}

answer=$(python3 -c '
import json, os
names = {"email": "API_EMAIL", "password": "API_PASSWORD"}
print(json.dumps({field: os.environ[name] for field, name in names.items()}))' | post_json /login)
token=$(user_field authentication_token)
with_token "$API_URL/dummy-api/"

answer=$(printf '{"refresh_token": "%s"}' "$(user_field refresh_token)" | post_json /refresh-token)
token=$(user_field authentication_token)
with_token "$API_URL/dummy-api/"

with_token --request POST "$API_URL/logout"
