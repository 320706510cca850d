#!/bin/sh
# Log in, call the API, refresh the session, call again, log out: with HTTPie.
#
#     API_URL=http://127.0.0.1:5001 API_EMAIL=... API_PASSWORD=... sh examples/httpie.sh
#
# Passwords and tokens are passed on standard input, because other users of the machine
# can read the arguments of a command.
set -eu

send_request() {
    http --check-status --ignore-stdin --pretty=none --print=b "$@"
}

send_with_token() {
    printf 'Bearer %s' "$token" | send_request "$@" Authorization:@/dev/stdin
}

get_user_field() {
    printf '%s' "$answer" | python3 -c '
import json, sys
print(json.load(sys.stdin)["response"]["user"][sys.argv[1]], end="")' "$1"
}

answer=$(printf '%s' "$API_PASSWORD" |
    send_request POST "$API_URL/login" email="$API_EMAIL" password=@/dev/stdin)
token=$(get_user_field authentication_token)
send_with_token GET "$API_URL/dummy-api/"

answer=$(get_user_field refresh_token |
    send_request POST "$API_URL/refresh-token" refresh_token=@/dev/stdin)
token=$(get_user_field authentication_token)
send_with_token GET "$API_URL/dummy-api/"

send_with_token POST "$API_URL/logout"
