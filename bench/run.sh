#!/bin/bash
# Measures the streamer's delivery beside others, interleaved, each in a fresh process:
# bench/run.sh [TARGET…]; N (connections), REPS and LOAD (more flags of the generator)
# by the environment. Prints a Markdown table and keeps the runs in bench/results/.
set -euo pipefail
cd "$(dirname "$0")"
targets=${*:-raw goref tidings tidings-portable gosse nchan}
work=$(mktemp -d)
out=results/$(date +%Y%m%d-%H%M%S).jsonl
mkdir -p results
ulimit -n 20000
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
go build -o "$work/" ./load ./hub ./goref
cc -O2 -o "$work/raw" raw/raw.c || true
(cd gosse && go build -o "$work/gosse" .) || true

server() {
  case $1 in
    raw) exec "$work/raw" 7151 ;;
    goref) exec "$work/goref" 127.0.0.1:7165 ;;
    tidings) exec "$work/hub" -tokens "$work/tokens" -users "$N" ;;
    tidings-portable) exec "$work/hub" -tokens "$work/tokens" -users "$N" -portable ;;
    gosse) exec "$work/gosse" 127.0.0.1:7131 ;;
    nchan) cp nchan/nginx.conf "$work/" && exec "${NGINX_BIN:-nginx}" -p "$work" -c "$work/nginx.conf" -g "load_module ${NCHAN_MODULE:-/usr/lib/nginx/modules/ngx_nchan_module.so}; daemon off; user root;" ;;
  esac
}

N=${N:-5000}
for rep in $(seq "${REPS:-3}"); do
  for t in $targets; do
    echo "$t $rep" >&2
    (exec >"$work/$t.log" 2>&1; server "$t") & pid=$!
    sleep 2
    (cd "$work" && ./load -config "$OLDPWD/targets/$t.json" -pids $pid -n "$N" ${LOAD:-}) >> "$out" || { tail -3 "$work/$t.log" >&2; true; }
    kill $pid && wait $pid 2>/dev/null || true
    pid=
  done
done
"$work/load" table "$out"
