# Makes the manual page org.dosvc1(5) of the interfaces' XML: each member with its signature and the
# comment above it, as it is written there.
#
#   awk -v version=VERSION -f man-page.awk org.dosvc1.*.xml

function quote(text) {
        gsub(/\\/, "\\e", text)
        gsub(/…/, "...", text) # a terminal of the C locale has none
        gsub(/-/, "\\-", text)
        if (text ~ /^[.']/)
                text = "\\&" text
        return text
}

function attribute(line, name,    value) {
        if (!match(line, name "=\"[^\"]*\""))
                return ""
        value = substr(line, RSTART + length(name) + 2, RLENGTH - length(name) - 3)
        gsub(/&lt;/, "<", value)
        return value
}

# The comment as it is, without what all its lines are indented by.
function print_comment(    i, n, lines, indent) {
        n = split(comment, lines, "\n")
        indent = 99
        for (i = 1; i <= n; i++)
                if (match(lines[i], /[^ ]/) && RSTART - 1 < indent)
                        indent = RSTART - 1
        print ".nf"
        for (i = 1; i <= n; i++)
                print quote(substr(lines[i], indent + 1))
        print ".fi"
        comment = ""
}

function print_member(title) {
        print ".SS " quote("\"" title "\"")
        print_comment()
}

BEGIN {
        print ".TH ORG.DOSVC1 5 \"\" \"dosvcd " version "\" \"dosvcd\""
        print ".SH NAME\norg.dosvc1 \\- the D\\-Bus interfaces of the download service"
        print ".SH DESCRIPTION"
        print ".BR dosvcd (8)"
        print "has the name org.dosvc1 on the system bus or, as an instance of a user, on the session bus."
        print "Its interfaces are described here as in their XML, which is installed in"
        print "/usr/share/dbus\\-1/interfaces and is also what introspection gives."
        print "Types are those of the D\\-Bus specification: s text, t and u numbers, b boolean, o object"
        print "path, h file descriptor, a{sv} named values, as a list of texts."
}

/<!--/ {
        in_comment = 1
        comment = ""
}

in_comment {
        line = $0
        sub(/^.*<!-- ?/, "", line)
        ends = sub(/ *-->.*$/, "", line)
        if (line ~ /[^ ]/ || comment != "")
                comment = comment (comment == "" ? "" : "\n") line
        if (ends) {
                in_comment = 0
                sub(/\n[ \n]*$/, "", comment)
        }
        next
}

/<node>/ {
        head = comment
        comment = ""
}

/<interface / {
        print ".SH " toupper(attribute($0, "name"))
        comment = head
        print_comment()
}

/<method |<signal / {
        kind = $0 ~ /<method / ? "" : "signal "
        member = attribute($0, "name")
        gives = takes = ""
        if ($0 ~ /\/>/)
                print_member(kind member "()")
}

/<arg / {
        arg = attribute($0, "type") " " attribute($0, "name")
        if (kind == "" && attribute($0, "direction") == "out")
                gives = gives (gives == "" ? "" : ", ") arg
        else
                takes = takes (takes == "" ? "" : ", ") arg
}

/<\/method>|<\/signal>/ {
        print_member(kind member "(" takes ")" (gives == "" ? "" : " -> " gives))
}

/<property / {
        print_member("property " attribute($0, "name") " " attribute($0, "type") \
                     (attribute($0, "access") == "readwrite" ? ", read and written" : ""))
}

END {
        print ".SH SEE ALSO"
        print ".BR dosvcctl (1),\n.BR libdosvc (3),\n.BR dosvcd (8),\n.BR busctl (1)"
}
