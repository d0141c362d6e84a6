#compdef dosvcctl
# zsh completion for dosvcctl(1), made of its own help. Jobs and the keys of set are asked from the
# service, which is not started for it: without it there are none.

_dosvcctl_ask() {
        local which=--system
        (( ${words[(I)--user]} )) && which=--user
        command dosvcctl $which --no-start "$@" 2>/dev/null
}

# "verb:description"
_dosvcctl_verbs() {
        command dosvcctl --help |
                sed -n '/^Verbs:/,/^$/s/^  \([a-z-]*\)[| ].\{1,\}  *\([A-Z].*\)$/\1:\2/p'
        print 'help:Show the help'
}

# "--option:description" of the verb, or of all
_dosvcctl_options() {
        command dosvcctl help $1 |
                sed -n 's/^  .. *\(--[a-z-]*=\{0,1\}\)[^ ]*  *\(.*\)$/\1:\2/p'
}

# "id:name, state"
_dosvcctl_jobs() {
        _dosvcctl_ask --no-legend list | sed -n 's/^\([0-9a-f]*\)  *\([a-z-]*\) .* \([^ ]*\)$/\1:\3, \2/p'
}

_dosvcctl() {
        local -a found verbs
        local verb word previous=${words[CURRENT-1]}

        verbs=(${(f)"$(_dosvcctl_verbs)"})
        for word in ${words[2,CURRENT-1]}; do
                [[ -n ${(M)verbs:#$word:*} ]] && verb=$word && break
        done
        case $previous in
        --output-file | -o | -O | --from-file | -i | --cacert) _files; return ;;
        --directory | -d | -P) _files -/; return ;;
        esac
        if [[ ${words[CURRENT]} == -* ]]; then
                found=(${(f)"$(_dosvcctl_options $verb)"})
        elif [[ -z $verb || $verb == help ]]; then
                found=($verbs)
        elif [[ $previous == cred ]]; then
                found=(set list remove)
        elif [[ $previous == header ]]; then
                found=(set show remove)
        elif [[ $previous == cert ]]; then
                found=(set remove)
        elif [[ $verb == set && $previous != set ]]; then
                found=(${(f)"$(_dosvcctl_ask set ${words[words[(i)set]+1]} | sed -n 's/=.*/=/p')"})
        elif [[ $verb == add && $previous != add ]]; then
                _files
                return
        elif [[ $verb != get && $verb != create && $verb != list ]]; then
                found=(${(f)"$(_dosvcctl_jobs)"})
        fi
        _describe -V 'dosvcctl' found
}

_dosvcctl "$@"
