#!/bin/sh
# Log in, call the API, renew the session, call again, log out: with HTTPie.
#
#     API_URL=http://127.0.0.1:5001 API_EMAIL=... API_PASSWORD=... sh examples/httpie.sh
#
# Passwords and tokens go by standard input: other users of the machine can read the
# words of a command.
set -eu

request() {
    http --check-status --ignore-stdin --pretty=none --print=b "$@"
}

with_token() {
    printf 'Bearer %s' "$token" | request "$@" Authorization:@/dev/stdin
}

user_field() {
    printf '%s' "$answer" | python3 -c '
import json, sys
print(json.load(sys.stdin)["response"]["user"][sys.argv[1]], end="")' "$1"
}

answer=$(printf '%s' "$API_PASSWORD" |
    request POST "$API_URL/login" email="$API_EMAIL" password=@/dev/stdin)
token=$(user_field authentication_token)
with_token GET "$API_URL/dummy-api/"

answer=$(user_field refresh_token |
    request POST "$API_URL/refresh-token" refresh_token=@/dev/stdin)
token=$(user_field authentication_token)
with_token GET "$API_URL/dummy-api/"

with_token POST "$API_URL/logout"
