"""What several test files share: random matrices and states, arguments of instructions, comparisons of fits."""
