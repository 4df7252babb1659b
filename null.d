null.o: /dev/null lib/smtp/xtext.h
lib/smtp/xtext.h:
