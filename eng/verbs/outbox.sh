# shellcheck shell=bash
# usage: outbox …                                messages that wait to be published; releasing a channel

main() { onceward_tool outbox "$@"; }
