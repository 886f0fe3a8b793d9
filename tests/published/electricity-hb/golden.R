# Makes golden.json: posterior means of mu and diag(Sigma) by R bayesm, and their Monte-Carlo errors.
#   Rscript golden.R examples/electricity/choices.csv.gz > golden.json
# Needs the R package bayesm (Debian: r-cran-bayesm); it is neither shipped nor imported.
suppressMessages(library(bayesm))
data <- read.csv(gzfile(commandArgs(TRUE)[1]))
columns <- c("pf", "cl", "loc", "wk", "tod", "seas")
data <- data[order(data$respondent, data$task, data$alternative), ]
lgt <- lapply(split(data, data$respondent), function(d) {
  list(y = max.col(matrix(d$chosen, ncol = 4, byrow = TRUE)), X = as.matrix(d[, columns]))
})
run <- function(seed, draws = 40000, burn = 10000) {
  set.seed(seed)
  sink("/dev/null")
  fit <- rhierMnlRwMixture(Data = list(p = 4, lgtdata = lgt), Prior = list(ncomp = 1),
                           Mcmc = list(R = draws, keep = 5, nprint = 0))
  sink()
  parts <- fit$nmix$compdraw
  mu <- t(sapply(parts, function(d) d[[1]]$mu))
  spread <- t(sapply(parts, function(d) diag(solve(tcrossprod(d[[1]]$rooti)))))
  keep <- seq(burn / 5 + 1, nrow(mu))
  cbind(mu, spread)[keep, ]
}
draws <- lapply(1:2, run)
# batch means, 10 batches a chain
batches <- do.call(rbind, lapply(draws, function(m) {
  size <- floor(nrow(m) / 10)
  t(sapply(1:10, function(b) colMeans(m[((b - 1) * size + 1):(b * size), ])))
}))
show <- function(v) paste0("[", paste(formatC(v, digits = 8, format = "g"), collapse = ", "), "]")
k <- 1:6
mean <- colMeans(batches)
error <- apply(batches, 2, sd) / sqrt(nrow(batches))
cat("{\n")
cat('  "columns": ["', paste(columns, collapse = '", "'), '"],\n', sep = "")
cat('  "mu": ', show(mean[k]), ',\n  "mu_error": ', show(error[k]), ",\n", sep = "")
cat('  "sigma": ', show(mean[6 + k]), ',\n  "sigma_error": ', show(error[6 + k]), "\n}\n", sep = "")
