# shellcheck shell=bash
# usage: verify …                                hold the journal against the ledger and the topics: nothing lost, nothing twice

main() { insurance_load verify "$@"; }
