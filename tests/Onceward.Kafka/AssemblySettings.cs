using Xunit;

// The handlers of the scenes are configured statically, and two cores are best used by one scene at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
