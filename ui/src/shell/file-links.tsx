interface Props {
  hrefOf: (form: 'csv' | 'json') => string;
  className?: string;
}

/** An answer as files, whole: what the page cuts is in them. */
export function FileLinks({ hrefOf, className = 'panel-links' }: Props) {
  return (
    <p className={className}>
      <a className="button" href={hrefOf('csv')} download>
        CSV
      </a>
      <a className="button" href={hrefOf('json')} download>
        JSON
      </a>
    </p>
  );
}
