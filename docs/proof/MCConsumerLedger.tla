-------------------------- MODULE MCConsumerLedger --------------------------
(* Small logs that hold every case: a key twice in a partition, a control record at the end, and one between records. *)
EXTENDS ConsumerLedger, TLC
TwoPartitions == [p \in {1, 2} |-> IF p = 1 THEN <<"a", "a">> ELSE <<"b", "control">>]
OnePartition == [p \in {1} |-> <<"a", "control", "a", "a">>]
FromTheStart == [p \in Partitions |-> 1]
FromTheSecond == [p \in Partitions |-> IF p = 1 THEN 2 ELSE 1]
Same == Permutations(Workers)
(* What one partition has shown already, and two need not show again: a log that grows while it is read, a mirror that is written, redrives. *)
WrittenFirst == end' # end => \A p \in Partitions : next[p] = NoRow
Unmirrored == mirror' = mirror
Undriven == redrive' = redrive
=============================================================================
