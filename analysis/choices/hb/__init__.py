"""Hierarchical Bayes for choices: normal part-worths, multinomial logit answers."""
