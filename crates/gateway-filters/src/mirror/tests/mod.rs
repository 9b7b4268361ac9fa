mod bodies;
mod copies;
