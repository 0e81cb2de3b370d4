// What a program of Node takes to start and to say a word.
process.stdout.write("\n");
process.stdin.resume();
