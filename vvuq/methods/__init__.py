"""Plain functions on arrays: scores, intervals, sensitivity indices, polynomial chaos, Fisher information, designs."""
