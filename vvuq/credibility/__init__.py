"""Floor of judgement: the plan, the ladders it speaks of, the grade of each leaf, and the gate."""
