"""What a statistician checks before believing a fit of choices: types, and how they are filled."""
