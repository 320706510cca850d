#!/bin/sh
# Log in, call the API, refresh the session, call again, log out: with curl.
#
#     API_URL=http://127.0.0.1:5001 API_EMAIL=... API_PASSWORD=... sh examples/curl.sh
#
# Passwords and tokens are passed on standard input, because other users of the machine
# can read the arguments of a command.
set -eu

send_request() {
    curl --silent --show-error --fail-with-body "$@"
}

post_json() {
    send_request --header 'Content-Type: application/json' --data @- "$API_URL$1"
}

send_with_token() {
    printf 'Authorization: Bearer %s' "$token" | send_request --header @- "$@"
}

get_user_field() {
    printf '%s' "$answer" | python3 -c '
import json, sys
print(json.load(sys.stdin)["response"]["user"][sys.argv[1]])' "$1"
}

answer=$(python3 -c '
import json, os
names = {"email": "API_EMAIL", "password": "API_PASSWORD"}
print(json.dumps({field: os.environ[name] for field, name in names.items()}))' | post_json /login)
token=$(get_user_field authentication_token)
send_with_token "$API_URL/dummy-api/"

answer=$(printf '{"refresh_token": "%s"}' "$(get_user_field refresh_token)" | post_json /refresh-token)
token=$(get_user_field authentication_token)
send_with_token "$API_URL/dummy-api/"

send_with_token --request POST "$API_URL/logout"
