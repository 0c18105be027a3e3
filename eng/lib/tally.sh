# shellcheck shell=bash
# Adds up test results: TRX files of .NET projects, TAP of shell tests.

PASSED=0 FAILED=0 SKIPPED=0
SKIP_REASONS=()
FAILURES=()

# tally_trx FILE [NAME] — the counters know no skipped tests (they are total minus executed), the results do.
tally_trx() {
  local total passed skipped line
  total=$(trx_counter total "$1")
  passed=$(trx_counter passed "$1")
  skipped=0
  while IFS= read -r line; do
    SKIP_REASONS+=("$line")
    skipped=$((skipped + 1))
  done < <(trx_messages NotExecuted "$1")
  while IFS= read -r line; do FAILURES+=("${2:+$2: }$line"); done < <(trx_names Failed "$1")
  PASSED=$((PASSED + passed)) SKIPPED=$((SKIPPED + skipped)) FAILED=$((FAILED + total - passed - skipped))
  # shellcheck disable=SC2034 # for the caller: a bad end without a failed test is a crash
  TRX_TOTAL=$total TRX_FAILED=$((total - passed - skipped))
}

trx_counter() { grep -o '<Counters[^>]*' "$2" | head -1 | sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p"; }

decode_xml() { sed 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&#x[AD];/ /g; s/&apos;/'"'"'/g; s/&amp;/\&/g'; }

# trx_messages OUTCOME FILE — one line for each result of that outcome: the first line of its message.
trx_messages() {
  awk -v outcome="outcome=\"$1\"" '
    /<UnitTestResult / { wanted = index($0, outcome); said = 0; if (wanted && /\/>$/) print "no reason given" }
    wanted && !said && /<Message>/ { sub(/.*<Message>/, ""); sub(/<\/Message>.*/, ""); print; said = 1 }
    wanted && !said && /<\/UnitTestResult>/ { print "no reason given" }
  ' "$2" | decode_xml
}

trx_names() { grep '<UnitTestResult ' "$2" | grep "outcome=\"$1\"" | sed 's/.* testName="\([^"]*\)".*/\1/' | decode_xml; }

# tally_tap NAME FILE STATUS — `ok`, `not ok`, `# SKIP reason`.
tally_tap() {
  local line failed=0
  while IFS= read -r line; do
    case $line in
      'ok '*'# SKIP'*) SKIPPED=$((SKIPPED + 1)) && SKIP_REASONS+=("${line##*# SKIP }") ;;
      'ok '*) PASSED=$((PASSED + 1)) ;;
      'not ok '*) failed=$((failed + 1)) && FAILURES+=("$1: ${line#not ok }") ;;
    esac
  done <"$2"
  FAILED=$((FAILED + failed))
  [ "$3" -eq 0 ] || [ "$failed" -gt 0 ] || tally_crash "$1" "exit status $3"
}

# tally_crash NAME WHAT — a run that ended badly without a failed test to show for it is a failure, or it would pass unseen.
tally_crash() {
  FAILED=$((FAILED + 1))
  FAILURES+=("$1: $2")
}

# tally_report — reasons and names first; the last line is the totals, and nothing follows it.
tally_report() {
  local line
  if [ ${#SKIP_REASONS[@]} -gt 0 ]; then
    printf '%s\n' "${SKIP_REASONS[@]}" | LC_ALL=C sort | uniq -c | sort -rn | while read -r line; do
      say "skipped ${line%% *}: ${line#* }"
    done
  fi
  for line in "${FAILURES[@]}"; do say "failed: $line"; done
  say "$PASSED passed, $FAILED failed, $SKIPPED skipped"
  [ "$FAILED" -eq 0 ] && [ $((PASSED + FAILED)) -gt 0 ]
}
