# shellcheck shell=bash
# usage: load …                                  drive the insurance system that is up, and keep a journal of what was accepted

main() { insurance_load load "$@"; }
