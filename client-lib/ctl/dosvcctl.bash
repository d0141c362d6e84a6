# bash completion for dosvcctl(1). Jobs are completed only if the service runs already.

_dosvcctl_jobs() {
        "${COMP_WORDS[0]}" --no-start --json=short list 2>/dev/null |
                tr '{' '\n' | sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p'
}

_dosvcctl() {
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb='' word i
        local verbs='get create add list show files status explain resume start suspend pause
                cancel complete set edit-url cred header cert take-ownership attach wait monitor help'
        local options='--help --version --system --user --no-start --quiet --json= --no-legend
                --output-file= --directory= --name= --description= --priority= --proxy= --login=
                --scheme= --target= --ask-password --no-ask-password --password-fd= --from-file=
                --from= --to= --header= --user-agent= --cacert= --exists= --no-clobber --continue
                --retry --keep --all-or-nothing --dry-run --progress
                --no-wait --timeout= --state= --all-users --all --property= --value'
        local keys='display-name= description= priority= proxy= proxy-bypass= redirect-policy=
                security-flags= ca-certificate= ticket-cache='

        # "=" is a word of its own in COMP_WORDS.
        if [[ $cur == '=' ]]; then
                cur=''
        elif [[ $prev == "=" ]] && ((COMP_CWORD >= 2)); then
                prev=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                if [[ " ${verbs//$'\n'/ } " == *" $word "* ]]; then
                        verb=$word
                        break
                fi
        done

        case $prev in
        --json) word='short pretty off' ;;
        --priority | priority) word='foreground high normal low' ;;
        --target) word='server proxy' ;;
        --scheme) word='basic digest ntlm negotiate bearer' ;;
        --proxy | proxy) word='none preconfig autodetect' ;;
        redirect-policy)
                word='allow-silent allow-report disallow allow-silent+https-to-http
                        allow-report+https-to-http'
                ;;
        security-flags)
                word='enable-crl-check ignore-cert-cn-invalid ignore-cert-date-invalid
                        ignore-unknown-ca ignore-cert-wrong-usage'
                ;;
        --state)
                word='queued connecting transferring suspended error transient-error transferred'
                ;;
        --property | -p)
                word=$("${COMP_WORDS[0]}" --no-start show "${COMP_WORDS[COMP_CWORD - 2]}" \
                        2>/dev/null | cut -d= -f1)
                ;;
        --exists) word='replace fail number' ;;
        --output-file | -o | -O | --from-file | -i | --cacert)
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                return
                ;;
        --directory | -d | -P)
                mapfile -t COMPREPLY < <(compgen -d -- "$cur")
                return
                ;;
        *)
                if [[ $cur == -* ]]; then
                        word=$options
                elif [[ -z $verb ]]; then
                        word=$verbs
                elif [[ $verb == cred && $prev == cred || $verb == cert && $prev == cert ]]; then
                        word='set remove'
                elif [[ $verb == header && $prev == header ]]; then
                        word='set show remove'
                elif [[ $verb == set && $prev != set ]]; then
                        word=$keys
                elif [[ $verb == add && $prev != add ]]; then
                        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                        return
                elif [[ $verb == get || $verb == create || $verb == help ]]; then
                        return
                else
                        word=$(_dosvcctl_jobs)
                fi
                ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
        return 0
}

complete -F _dosvcctl dosvcctl
