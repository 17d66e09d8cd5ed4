//! KQL text to a DataFusion logical plan.
//!
//! Text is read by `kql-syntax`, bound to tables, columns and functions here, and lowered to the operators that the
//! SQL of a good engineer would plan to; what has no equivalent there runs by the kernels of `kql-values`. This crate
//! knows nothing of logs, HTTP or storage: tables come through a catalog.
