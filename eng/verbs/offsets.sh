# shellcheck shell=bash
# usage: offsets …                               where the workers of what is up stand; moving them

main() { onceward_tool offsets "$@"; }
