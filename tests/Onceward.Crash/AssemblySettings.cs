using Xunit;

// A session that runs out is most of what a test waits for: more of them at once than there are cores.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
