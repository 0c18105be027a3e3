--------------------------- MODULE ConsumerLedger ---------------------------
(* What src/Onceward promises of consumed records, for one subscription of several partitions. Each action has the name that the code's     *)
(* comments give it. What is left to chance here is everything that the code does not control: rebalances (Claim at any moment), processes *)
(* that freeze and wake up, COMMITs whose answer is lost and which the server executes later or never, handlers that fail, operators.      *)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Workers,      \* processes
  Partitions,
  Log,          \* [Partitions -> Seq(key or Control)]: what stands at each offset; offsets count from 1
  Control,      \* a control record: it takes an offset and is never delivered
  Begin,        \* [Partitions -> offset]: what the Kafka group had committed when the worker adopted it
  MaxEpoch, MaxBatch, MaxLimbo, MaxResets,   \* bounds, for the model only
  \* TRUE in the design; each FALSE is a mutant that has to be caught.
  SwapNext,     \* the swap compares next_offset
  SwapEpoch,    \* the swap compares epoch, and a reset changes it
  SwapAll,      \* a batch commits only if the rows of all its partitions moved
  HoldKeys,     \* batch and redrive hold the rows of parked keys to their end
  ParkBehind,   \* later records of a parked key go behind it
  LookAgain,    \* behind the swap: is a key parked that the attempt did not know of?
  EndOnce,      \* the end of a partition is where the poll saw it, not where it is at COMMIT
  AdoptOnce     \* the Kafka group's offset is read when the row is made, and never again

Keys == (UNION {{Log[p][o] : o \in 1..Len(Log[p])} : p \in Partitions}) \ {Control}
Records == UNION {{<<p, o>> : o \in 1..Len(Log[p])} : p \in Partitions}
Longest == CHOOSE n \in {Len(Log[p]) : p \in Partitions} : \A p \in Partitions : Len(Log[p]) <= n
KeyOf(r) == Log[r[1]][r[2]]
Visible(p, o) == Log[p][o] # Control
NoRow == 0

VARIABLES
  end,          \* [Partitions -> Nat]: how much of the log has been written; it grows
  next, epoch,  \* the row consumer_offset; next = NoRow: there is none yet
  mirror,       \* what the Kafka group has committed; written late, or never
  applied,      \* [Keys -> Seq(Records)]: effects, in the order of their commits
  parked,       \* [Keys -> Seq(Records)]: parked_record, by arrival
  keyRow,       \* [Keys -> BOOLEAN]: parked_key
  dead,         \* [Keys -> Seq(Records)]: dead_letter
  own,          \* [Workers -> [Partitions -> what the worker believes of its claim]]
  tx,           \* [Workers -> its open transaction]
  limbo,        \* transactions whose COMMIT was sent on a connection that broke
  zombie,       \* whether a transaction was committed under an epoch that was over
  redrive, resets
vars == <<end, next, epoch, mirror, applied, parked, keyRow, dead, zombie, own, tx, limbo, redrive, resets>>
ledger == <<next, epoch, applied, parked, keyRow, dead, zombie>>

NoClaim == [state |-> "none", epoch |-> 0, from |-> 0]
NoTx == [open |-> FALSE, moves |-> {}, apply |-> <<>>, park |-> <<>>, held |-> {}, met |-> {}]
NoRedrive == [open |-> FALSE, key |-> CHOOSE k \in Keys : TRUE, only |-> FALSE]

Init ==
  /\ end = [p \in Partitions |-> Begin[p] - 1]
  /\ next = [p \in Partitions |-> NoRow] /\ epoch = [p \in Partitions |-> 0] /\ mirror = Begin
  /\ applied = [k \in Keys |-> <<>>] /\ parked = [k \in Keys |-> <<>>] /\ dead = [k \in Keys |-> <<>>]
  /\ keyRow = [k \in Keys |-> FALSE]
  /\ own = [x \in Workers |-> [p \in Partitions |-> NoClaim]] /\ tx = [x \in Workers |-> NoTx]
  /\ limbo = {} /\ redrive = NoRedrive /\ resets = 0 /\ zombie = FALSE

Held(k) ==
  \/ \E x \in Workers : tx[x].open /\ k \in tx[x].held
  \/ \E t \in limbo : k \in t.held
  \/ redrive.open /\ redrive.key = k

Produce(p) ==
  /\ end[p] < Len(Log[p]) /\ end' = [end EXCEPT ![p] = @ + 1]
  /\ UNCHANGED <<mirror, own, tx, limbo, redrive, resets>> /\ UNCHANGED ledger

(* ClaimStore: the row is made by the start policy where there is none, its epoch bumped; the claim begins where the row says. *)
Claim(x, p) ==
  /\ epoch[p] < MaxEpoch /\ ~tx[x].open
  /\ LET from == IF next[p] = NoRow \/ ~AdoptOnce THEN mirror[p] ELSE next[p]
     IN /\ next' = [next EXCEPT ![p] = from]
        /\ own' = [own EXCEPT ![x][p] = [state |-> "running", epoch |-> epoch[p] + 1, from |-> from]]
  /\ epoch' = [epoch EXCEPT ![p] = @ + 1]
  /\ UNCHANGED <<end, mirror, applied, parked, keyRow, dead, zombie, tx, limbo, redrive, resets>>

(* The offset goes to Kafka too, for lag tools, at any time or never. *)
Mirror(p) ==
  /\ next[p] # NoRow /\ mirror[p] # next[p] /\ mirror' = [mirror EXCEPT ![p] = next[p]]
  /\ UNCHANGED <<end, own, tx, limbo, redrive, resets>> /\ UNCHANGED ledger

(* How far a batch may reach in a partition: behind a record that was delivered, or to the end where only control records are left. *)
Reach(p, from) ==
  {o + 1 : o \in {o \in from..end[p] : Visible(p, o) /\ o < from + MaxBatch}}
  \union {e \in {end[p] + 1} : e > from /\ \A o \in from..end[p] : ~Visible(p, o)}

(* RecordIsolation and Diversion: records in order; one whose key is parked, in the ledger or by this batch, goes behind; one that fails is parked. *)
RECURSIVE Divert(_, _, _, _, _)
Divert(todo, fails, known, ap, pk) ==
  IF todo = <<>> THEN [apply |-> ap, park |-> pk]
  ELSE LET r == Head(todo)
           behind == ParkBehind /\ (KeyOf(r) \in known \/ \E i \in 1..Len(pk) : KeyOf(pk[i]) = KeyOf(r))
       IN IF behind \/ r \in fails THEN Divert(Tail(todo), fails, known, ap, Append(pk, r))
          ELSE Divert(Tail(todo), fails, known, Append(ap, r), pk)

RECURSIVE Run(_, _, _)
Run(p, from, until) ==
  IF from >= until THEN <<>>
  ELSE (IF Visible(p, from) THEN <<<<p, from>>>> ELSE <<>>) \o Run(p, from + 1, until)
RECURSIVE Concat(_)
Concat(moves) == IF moves = {} THEN <<>> ELSE LET m == CHOOSE m \in moves : TRUE IN Run(m.p, m.from, m.until) \o Concat(moves \ {m})

(* One attempt at a batch of several partitions. With `look` the rows of its keys that are parked are held; without, none is looked for. *)
Attempt(x, moves, fails, look) ==
  LET records == Concat(moves)
      met == {KeyOf(records[i]) : i \in 1..Len(records)}
      known == IF look THEN {k \in met : keyRow[k]} ELSE {}
      plan == Divert(records, fails, known, <<>>, <<>>)
  IN /\ (HoldKeys => \A k \in known : ~Held(k))
     /\ tx' = [tx EXCEPT ![x] = [open |-> TRUE, moves |-> moves, apply |-> plan.apply, park |-> plan.park,
                                 held |-> IF HoldKeys THEN known ELSE {}, met |-> met \ known]]

Handle(x) ==
  /\ ~tx[x].open
  /\ \E ps \in (SUBSET {p \in Partitions : own[x][p].state = "running"}) \ {{}} :
     \E until \in [ps -> 1..(Longest + 1)] :
       /\ \A p \in ps : until[p] \in Reach(p, own[x][p].from)
       /\ LET moves == {[p |-> p, epoch |-> own[x][p].epoch, from |-> own[x][p].from, until |-> until[p],
                         atEnd |-> \A o \in own[x][p].from..(until[p] - 1) : ~Visible(p, o)] : p \in ps}
              records == Concat(moves)
          IN \E fails \in SUBSET {records[i] : i \in 1..Len(records)}, look \in BOOLEAN :
               (fails # {} => look) /\ Attempt(x, moves, fails, look)   \* who isolates looks
  /\ UNCHANGED <<end, mirror, own, limbo, redrive, resets>> /\ UNCHANGED ledger

(* OffsetStore.Swap *)
Moves(m) == (SwapNext => next[m.p] = m.from) /\ (SwapEpoch => epoch[m.p] = m.epoch)
Swapped(t) == IF SwapAll THEN \A m \in t.moves : Moves(m) ELSE \E m \in t.moves : Moves(m)
(* Behind the swap: keys of the batch that were not parked when the attempt looked, or were not looked for, and are now. Also those that the *)
(* batch parks itself: it may have applied earlier records of them.                                                                         *)
Unseen(t) == LookAgain /\ \E k \in t.met : keyRow[k]
Target(m) == IF m.atEnd /\ ~EndOnce THEN end[m.p] + 1 ELSE m.until

Effects(t) ==
  /\ next' = [p \in Partitions |-> IF \E m \in t.moves : m.p = p /\ (SwapAll \/ Moves(m))
                                   THEN Target(CHOOSE m \in t.moves : m.p = p) ELSE next[p]]
  /\ applied' = [k \in Keys |-> applied[k] \o SelectSeq(t.apply, LAMBDA r : KeyOf(r) = k)]
  /\ parked' = [k \in Keys |-> parked[k] \o SelectSeq(t.park, LAMBDA r : KeyOf(r) = k)]
  /\ keyRow' = [k \in Keys |-> keyRow[k] \/ \E i \in 1..Len(t.park) : KeyOf(t.park[i]) = k]
  /\ zombie' = (zombie \/ \E m \in t.moves : epoch[m.p] # m.epoch)
  /\ UNCHANGED <<epoch, dead>>

Commit(x) ==
  /\ tx[x].open /\ Swapped(tx[x]) /\ ~Unseen(tx[x]) /\ Effects(tx[x])
  /\ own' = [own EXCEPT ![x] = [p \in Partitions |-> IF \E m \in tx[x].moves : m.p = p THEN [own[x][p] EXCEPT !.from = next'[p]] ELSE own[x][p]]]
  /\ tx' = [tx EXCEPT ![x] = NoTx]
  /\ UNCHANGED <<end, mirror, limbo, redrive, resets>>

(* Rolled back: partitions whose rows did not move are dropped, the others are redone. *)
Fenced(x) ==
  /\ tx[x].open /\ ~Swapped(tx[x])
  /\ own' = [own EXCEPT ![x] = [p \in Partitions |-> IF \E m \in tx[x].moves : m.p = p /\ ~Moves(m) THEN NoClaim ELSE own[x][p]]]
  /\ tx' = [tx EXCEPT ![x] = NoTx]
  /\ UNCHANGED <<end, mirror, limbo, redrive, resets>> /\ UNCHANGED ledger

(* Any end without effect: MustLook, a failure of the infrastructure, a crash of the transaction. The claim goes on. *)
RollBack(x) ==
  /\ tx[x].open /\ tx' = [tx EXCEPT ![x] = NoTx]
  /\ UNCHANGED <<end, mirror, own, limbo, redrive, resets>> /\ UNCHANGED ledger

(* COMMIT was sent and nobody answers. *)
Break(x) ==
  /\ tx[x].open /\ Cardinality(limbo) < MaxLimbo /\ limbo' = limbo \union {tx[x]}
  /\ own' = [own EXCEPT ![x] = [p \in Partitions |-> IF \E m \in tx[x].moves : m.p = p THEN [own[x][p] EXCEPT !.state = "unknown"] ELSE own[x][p]]]
  /\ tx' = [tx EXCEPT ![x] = NoTx]
  /\ UNCHANGED <<end, mirror, redrive, resets>> /\ UNCHANGED ledger

(* The swap and the look behind it were executed before COMMIT was sent, so the rows are held until the server makes up its mind. *)
Late(t) ==
  /\ limbo' = limbo \ {t}
  /\ \/ Swapped(t) /\ ~Unseen(t) /\ Effects(t)
     \/ UNCHANGED ledger
  /\ UNCHANGED <<end, mirror, own, tx, redrive, resets>>

(* OffsetStore.ReadAsync on another connection: under our epoch only we can have moved the row. *)
Resolve(x, p) ==
  /\ own[x][p].state = "unknown"
  /\ own' = [own EXCEPT ![x][p] = IF epoch[p] = own[x][p].epoch THEN [state |-> "running", epoch |-> epoch[p], from |-> next[p]] ELSE NoClaim]
  /\ UNCHANGED <<end, mirror, tx, limbo, redrive, resets>> /\ UNCHANGED ledger

(* A process dies: its transaction with it. *)
Crash(x) ==
  /\ own[x] # [p \in Partitions |-> NoClaim]
  /\ own' = [own EXCEPT ![x] = [p \in Partitions |-> NoClaim]] /\ tx' = [tx EXCEPT ![x] = NoTx]
  /\ UNCHANGED <<end, mirror, limbo, redrive, resets>> /\ UNCHANGED ledger

(* RedriveTransaction: the key's row is taken, then the head; whether it was the only one is what is seen then. *)
RedriveBegin(k) ==
  /\ ~redrive.open /\ keyRow[k] /\ parked[k] # <<>>
  /\ (HoldKeys => ~Held(k))
  /\ redrive' = [open |-> TRUE, key |-> k, only |-> Len(parked[k]) = 1]
  /\ UNCHANGED <<end, mirror, own, tx, limbo, resets>> /\ UNCHANGED ledger

RedriveEnd ==
  LET k == redrive.key
  IN /\ redrive.open /\ redrive' = NoRedrive
     /\ \/ UNCHANGED ledger                                              \* failed again, or crashed
        \/ /\ parked[k] # <<>>
           /\ \/ applied' = [applied EXCEPT ![k] = Append(@, Head(parked[k]))] /\ UNCHANGED dead
              \/ dead' = [dead EXCEPT ![k] = Append(@, Head(parked[k]))] /\ UNCHANGED applied
           /\ parked' = [parked EXCEPT ![k] = Tail(@)] /\ keyRow' = [keyRow EXCEPT ![k] = ~redrive.only]
           /\ UNCHANGED <<next, epoch, zombie>>
     /\ UNCHANGED <<end, mirror, own, tx, limbo, resets>>

(* An operator sends a dead letter back: only while nothing later of its key is applied, else the key's order would break. The offset rows are *)
(* held, so that a batch between its swap and its COMMIT comes first or sees the row.                                                           *)
SendBack(k) ==
  /\ dead[k] # <<>>
  /\ LET r == dead[k][Len(dead[k])]
     IN /\ \A i \in 1..Len(applied[k]) : applied[k][i][2] < r[2]
        /\ \A i \in 1..Len(parked[k]) : parked[k][i][2] > r[2]
        /\ ~Held(k) /\ \A t \in limbo : \A m \in t.moves : m.p # r[1]
        /\ dead' = [dead EXCEPT ![k] = SubSeq(@, 1, Len(@) - 1)]
        /\ parked' = [parked EXCEPT ![k] = <<r>> \o @] /\ keyRow' = [keyRow EXCEPT ![k] = TRUE]
  /\ UNCHANGED <<next, epoch, applied, zombie, end, mirror, own, tx, limbo, redrive, resets>>

(* An operator's reset: what came from there on is undone and the row is set back. Live owners are fenced by the epoch. *)
Reset(p, o) ==
  /\ resets < MaxResets /\ next[p] # NoRow /\ o < next[p] /\ o >= Begin[p] /\ ~redrive.open /\ resets' = resets + 1
  /\ next' = [next EXCEPT ![p] = o] /\ epoch' = IF SwapEpoch THEN [epoch EXCEPT ![p] = @ + 1] ELSE epoch
  /\ LET Before(s) == SelectSeq(s, LAMBDA r : r[1] # p \/ r[2] < o)
     IN /\ applied' = [k \in Keys |-> Before(applied[k])] /\ dead' = [k \in Keys |-> Before(dead[k])]
        /\ parked' = [k \in Keys |-> Before(parked[k])] /\ keyRow' = [k \in Keys |-> Before(parked[k]) # <<>>]
  /\ UNCHANGED <<end, mirror, own, tx, limbo, redrive, zombie>>

Next ==
  \/ \E p \in Partitions : Produce(p) \/ Mirror(p) \/ \E o \in 1..Len(Log[p]) : Reset(p, o)
  \/ \E x \in Workers : Handle(x) \/ Commit(x) \/ Fenced(x) \/ RollBack(x) \/ Break(x) \/ Crash(x)
  \/ \E x \in Workers, p \in Partitions : Claim(x, p) \/ Resolve(x, p)
  \/ \E t \in limbo : Late(t)
  \/ \E k \in Keys : RedriveBegin(k) \/ SendBack(k)
  \/ RedriveEnd
Spec == Init /\ [][Next]_vars

Count(s, r) == Cardinality({i \in 1..Len(s) : s[i] = r})
(* Every visible record below the offset is applied, parked or a dead letter, once; none at or above it is. *)
ExactlyOnce == \A r \in Records : Visible(r[1], r[2]) =>
  Count(applied[KeyOf(r)], r) + Count(parked[KeyOf(r)], r) + Count(dead[KeyOf(r)], r)
    = IF r[2] >= Begin[r[1]] /\ next[r[1]] # NoRow /\ r[2] < next[r[1]] THEN 1 ELSE 0
(* Records of a key are applied in the order of the log. *)
KeyOrder == \A k \in Keys : \A i, j \in 1..Len(applied[k]) : i < j => applied[k][i][2] < applied[k][j][2]
(* Parked records have their key's row, by which they are found, and are in order. *)
NobodyForgotten == \A k \in Keys : parked[k] # <<>> => keyRow[k]
(* Whoever lost a partition commits nothing of it any more, even where the row has come back to where he knew it. *)
Fencing == ~zombie
(* The row never points behind the log. *)
WithinLog == \A p \in Partitions : next[p] <= end[p] + 1
=============================================================================
