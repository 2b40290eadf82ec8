module sekisho/bench/load

go 1.19
