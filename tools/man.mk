# make man: the manual pages, from the sources and from what the programs know.
.PHONY: man
man: all
	@man/generate $(BUILD)/bin $(ROOT)/man
