#!/usr/bin/env bash
# Tidings on LocalStack: handlers, relay and two streamers of this tree on its DynamoDB,
# Streams, SNS and SQS, and over that the end-to-end tests. An argument narrows them, as
# TestFrames. With Docker and a LOCALSTACK_AUTH_TOKEN it is LocalStack's container
# (compose.yaml), else its core as a process of this machine, which needs Python 3.13
# (or PYTHON=…), Java 17 or later and Maven, but neither container nor token.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/infra/localstack
dir=$PWD/bin/localstack # all that is made here
mkdir -p "$dir"

leave=() # commands
trap 'for c in "${leave[@]}"; do eval "$c"; done; wait' EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
await() { # name, url, process
  for _ in $(seq 300); do
    curl -sf -o /dev/null "$2" && return
    kill -0 "$3" 2>/dev/null || break
    sleep 0.2
  done
  echo "$1 did not start:" >&2; tail -20 "$dir/$1.log" >&2; exit 1
}

container() {
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566
  leave+=("docker compose -f '$here/compose.yaml' down")
  docker compose -f "$here/compose.yaml" up -d --wait
}

process() {
  # Older ones install it all the same and can't read its syntax.
  for python in "${PYTHON:-}" python3.13 python3 none; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null && break
  done
  [ "$python" != none ] || { echo "There is no Python 3.13; name one by PYTHON=…" >&2; exit 1; }
  if ! cmp -s "$here/requirements.txt" "$dir/installed"; then
    rm -rf "$dir/venv"
    "$python" -m venv "$dir/venv"
    "$dir/venv/bin/pip" install -q -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$dir/installed"
  fi

  # LocalStack's DynamoDB is DynamoDB Local, which it would fetch together with a Java and
  # an agent for more than 20 indexes. Where it looks for that Java it finds this script,
  # which starts the jar from Maven by the Java that is here.
  local lib=$dir/root/var/lib/localstack/lib
  local ddb=$lib/dynamodb-local/2
  if [ ! -e "$ddb/DynamoDBLocal.jar" ]; then
    cp .ci/dynamodb-local.xml "$dir/pom.xml"
    mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$ddb/DynamoDBLocal_lib"
    cp "$ddb"/DynamoDBLocal_lib/DynamoDBLocal-*.jar "$ddb/DynamoDBLocal.jar"
  fi
  mkdir -p "$lib/java/21/bin"
  cat >"$lib/java/21/bin/java" <<JAVA
#!/bin/sh
while [ "\$1" != -port ]; do shift; done
exec "$(command -v java)" -Djava.library.path="$ddb/DynamoDBLocal_lib" -Dsqlite4java.library.path="$ddb/DynamoDBLocal_lib" \\
  -cp "$ddb/DynamoDBLocal_lib/*" com.amazonaws.services.dynamodbv2.local.main.ServerRunner "\$@"
JAVA
  chmod +x "$lib/java/21/bin/java"

  # The v2 providers have the streams of DynamoDB Local; the others want a Kinesis.
  local port
  port=$(free_port)
  export AWS_ENDPOINT_URL=http://127.0.0.1:$port
  (cd "$dir" && FILESYSTEM_ROOT=$dir/root OVERRIDE_IN_DOCKER=0 GATEWAY_LISTEN=127.0.0.1:$port LOCALSTACK_HOST=127.0.0.1:$port \
    SERVICES=dynamodb,dynamodbstreams,sns,sqs PROVIDER_OVERRIDE_DYNAMODB=v2 PROVIDER_OVERRIDE_DYNAMODBSTREAMS=v2 \
    DYNAMODB_IN_MEMORY=1 DNS_ADDRESS=0 DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 \
    exec venv/bin/python -m localstack.runtime.main) >"$dir/localstack.log" 2>&1 &
  leave+=("kill $! 2>/dev/null")
  await localstack "$AWS_ENDPOINT_URL/_localstack/health" $!
}

if [ -n "${LOCALSTACK_AUTH_TOKEN:-}" ] && docker info >"$dir/docker.log" 2>&1; then container; else process; fi
export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test

make -s bin/tidings
rm -rf "$dir/data"
port=$(free_port)
PORT=$port DATA=$dir/data STREAMERS=2 RATE_LIMITS=off bin/tidings >"$dir/tidings.log" 2>&1 &
leave=("kill $! 2>/dev/null" "${leave[@]}")
await tidings "http://localhost:$port/readyz" $!

echo "LocalStack $(curl -s "$AWS_ENDPOINT_URL/_localstack/health" | grep -o '"version": "[^"]*"') at $AWS_ENDPOINT_URL"
# Those that run on every system, by the URL alone.
tests=$(sed -n 's/^func \(Test[A-Za-z]*\)(t \*testing.T) { onEach.*/\1/p' local/*_test.go | paste -sd '|')
TIDINGS_URL=http://localhost:$port go test ./local -count=1 -timeout 15m -v -run "${1:-^($tests)\$}"
