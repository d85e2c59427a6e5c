//! Whole plans, moved: against what is expected of each, and against plans that were made to be hard.

#[cfg(test)]
mod blazemeter;
#[cfg(test)]
mod codes;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod loops;
#[cfg(test)]
mod meant;
#[cfg(test)]
mod others;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod values;
