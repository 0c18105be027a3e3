# shellcheck shell=bash
# usage: incidents …                             what was stopped, skipped or decided; settling it

main() { onceward_tool incidents "$@"; }
